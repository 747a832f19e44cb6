/**
 * Downloads one file of the hub into its place: into a `.part` file that a later call resumes by Range,
 * checked by size and sha256, then renamed. A wrong file never gets the name; broken connections are
 * taken up again while they bring something.
 */

import { KerfError } from "../core/error.ts";
import type { FetchProgress } from "./fetch_options.ts";
import { throwIfInterrupted } from "./fetch_options.ts";
import { fileBytes, sha256OfFile } from "./file_hash.ts";
import type { HubFile } from "./hub.ts";
import { hubRequest, TransferError } from "./hub_request.ts";
import type { HubAccess } from "./hub_request.ts";

/** Where to, and how. */
export interface DownloadOptions extends HubAccess {
  /** The file's final path; its folder exists and no other process works on it. */
  readonly path: string;
  readonly onProgress?: ((progress: FetchProgress) => void) | undefined;
}

/** Attempts in a row that bring nothing. */
const MAX_IDLE_ATTEMPTS = 4;
const FIRST_PAUSE_MS = 250;
/** A connection that sends nothing for so long is broken. */
const STALL_MS = 60_000;

/** Fetches `file` to `options.path`. @throws {KerfError} no access, no connection, wrong content */
export async function download(file: HubFile, options: DownloadOptions): Promise<void> {
  // The hash in its name: what an older version of the file left is not continued.
  const part = `${options.path}.${file.sha256.slice(0, 16)}.part`;
  for (let idle = 0; await resumeAt(part, file.bytes) < file.bytes;) {
    const before = await resumeAt(part, file.bytes);
    try {
      await transfer(file, { ...options, part, start: before });
    } catch (error) {
      if (!(error instanceof TransferError)) throw error;
      idle = await resumeAt(part, file.bytes) > before ? 1 : idle + 1;
      if (idle === MAX_IDLE_ATTEMPTS) throw gaveUp(file, { error, done: before });
      await new Promise((resolve) => setTimeout(resolve, FIRST_PAUSE_MS * 2 ** (idle - 1)));
      throwIfInterrupted(options.signal);
    }
  }
  const sha256 = await sha256OfFile(part, {
    onBytes: (done) => report("checking", done, { file, options }),
    signal: options.signal,
  });
  if (sha256 !== file.sha256) {
    await Deno.remove(part);
    throw new KerfError(
      `Cannot use "${file.path}" from the hub: its sha256 is ${sha256}, not ${file.sha256}`,
      { hint: "start again: it is fetched anew" },
    );
  }
  await Deno.rename(part, options.path);
}

/** Bytes of the part that are there; one that is too long is thrown away. */
async function resumeAt(part: string, bytes: number): Promise<number> {
  const have = await fileBytes(part) ?? 0;
  if (have <= bytes) return have;
  await Deno.remove(part);
  return 0;
}

async function transfer(
  file: HubFile,
  options: DownloadOptions & { part: string; start: number },
): Promise<void> {
  const stall = new AbortController();
  let timer = setTimeout(() => stall.abort(), STALL_MS);
  const signals = options.signal === undefined ? [stall.signal] : [options.signal, stall.signal];
  try {
    const response = await hubRequest(file.url, {
      ...options,
      signal: AbortSignal.any(signals),
      headers: options.start > 0 ? { Range: `bytes=${options.start}-` } : {},
      onResponse: (r) => checkLinked(file, r),
    });
    const start = startOf(response, options.start);
    using target = await Deno.open(options.part, { create: true, write: true });
    await target.truncate(start);
    await target.seek(start, Deno.SeekMode.Start);
    let done = start;
    for await (const chunk of response.body ?? []) {
      clearTimeout(timer);
      timer = setTimeout(() => stall.abort(), STALL_MS);
      for (let at = 0; at < chunk.length;) at += await target.write(chunk.subarray(at));
      report("downloading", done += chunk.length, { file, options });
    }
    if (done < file.bytes) throw new TransferError(`the connection ended at byte ${done}`);
  } catch (error) {
    throwIfInterrupted(options.signal);
    if (error instanceof KerfError || error instanceof TransferError) throw error;
    if (error instanceof Deno.errors.NotCapable) throw error;
    throw new TransferError(error instanceof Error ? error.message : String(error), {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
}

/** Where the body begins: the wanted byte, or 0 from a server that ignores Range. */
function startOf(response: Response, wanted: number): number {
  if (response.status === 200) return 0;
  const range = /^bytes (\d+)-/.exec(response.headers.get("Content-Range") ?? "");
  if (response.status === 206 && Number(range?.[1]) === wanted) return wanted;
  throw new KerfError(`Cannot resume at byte ${wanted}: the hub answers ${response.status}`, {
    hint: "start again later; if it stays so, remove the .part file in the cache",
  });
}

/** The hub names size and hash of the file behind a redirect: they must be those of its list. */
function checkLinked(file: HubFile, response: Response): void {
  const etag = response.headers.get("X-Linked-Etag")?.replace(/^(W\/)?"(.*)"$/, "$2");
  const size = response.headers.get("X-Linked-Size");
  if ((etag ?? file.sha256) === file.sha256 && Number(size ?? file.bytes) === file.bytes) return;
  throw new KerfError(
    `Cannot fetch "${file.path}": the hub now has ${size} bytes, sha256 ${etag}`,
    { hint: "it changed this moment: start again" },
  );
}

function gaveUp(file: HubFile, { error, done }: { error: Error; done: number }): KerfError {
  return new KerfError(
    `Cannot fetch "${file.path}": ${error.message} (${done} of ${file.bytes} bytes are here)`,
    { hint: "start again: it goes on where it stopped", cause: error },
  );
}

function report(
  what: string,
  done: number,
  { file, options }: { file: HubFile; options: DownloadOptions },
): void {
  const name = file.path.split("/").at(-1);
  options.onProgress?.({ label: `${what} ${name}`, done, total: file.bytes });
}
