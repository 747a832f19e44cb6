/**
 * One request to the hub: the token goes to the hub's own origin and nowhere else, redirects are followed
 * by hand so that it stays there, refusals become errors with what to do.
 */

import { KerfError } from "../core/error.ts";
import { throwIfInterrupted } from "./fetch_options.ts";

/** How the hub is reached. */
export interface HubAccess {
  /** `https://huggingface.co`, or a mirror with the same URLs. */
  readonly endpoint: string;
  readonly token: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A failure that may pass: the connection broke, the server is busy. */
export class TransferError extends Error {
  override name = "TransferError";
}

/** The hub sends one or two; more is a loop. */
const MAX_REDIRECTS = 5;

/**
 * The response to GET `path` on the hub, redirects followed. Status 200, 206 or 416.
 * @param options.headers such as Range
 * @param options.onResponse sees every response on the way: the hub names a file's hash on the redirect
 * @throws {KerfError} no access, no such thing; @throws {TransferError} what may pass
 */
export async function hubRequest(
  path: string,
  options: HubAccess & {
    headers?: Record<string, string>;
    onResponse?: (response: Response) => void;
  },
): Promise<Response> {
  const home = endpointUrl(options.endpoint);
  let url = new URL(home.pathname.replace(/\/$/, "") + path, home);
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const headers = new Headers(options.headers);
    if (options.token !== undefined && url.origin === home.origin) {
      headers.set("Authorization", `Bearer ${options.token}`);
    }
    const response = await request(url, { headers, signal: options.signal });
    options.onResponse?.(response);
    if ([200, 206, 416].includes(response.status)) return response;
    await response.body?.cancel();
    const location = response.headers.get("Location");
    if (response.status < 300 || response.status > 399 || location === null) {
      throw refusal(response.status, { url, hasToken: options.token !== undefined });
    }
    url = new URL(location, url);
  }
  throw new KerfError(`Cannot fetch ${path} from ${home.origin}: it redirects without end`);
}

function endpointUrl(endpoint: string): URL {
  try {
    return new URL(endpoint);
  } catch (cause) {
    throw new KerfError(`Cannot use HF_ENDPOINT "${endpoint}": it is no URL`, {
      hint: "export HF_ENDPOINT=https://huggingface.co",
      cause,
    });
  }
}

async function request(
  url: URL,
  { headers, signal }: { headers: Headers; signal: AbortSignal | undefined },
): Promise<Response> {
  try {
    return await fetch(url, {
      headers,
      redirect: "manual",
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (cause) {
    throwIfInterrupted(signal);
    if (cause instanceof Deno.errors.NotCapable) throw cause;
    throw new TransferError(`${url.origin} cannot be reached`, { cause });
  }
}

function refusal(status: number, { url, hasToken }: { url: URL; hasToken: boolean }): Error {
  const what = `Cannot fetch ${url.origin}${url.pathname}: the hub answers ${status}`;
  if (status === 401 || status === 403) {
    return new KerfError(`${what}; it does not exist or needs ${hasToken ? "other " : ""}access`, {
      hint: hasToken
        ? "check the name, accept the model's terms on its page, check HF_TOKEN"
        : "check the name, or export HF_TOKEN=… (from the hub's settings, Access Tokens)",
    });
  }
  if (status === 404) return new KerfError(`${what}: there is no such thing`);
  if (status === 429 || status >= 500) return new TransferError(`the hub answers ${status}`);
  return new KerfError(what);
}
