/**
 * A local server that speaks the hub's protocol for one repository, for tests: the file list, redirects to
 * a second origin with ETag headers, Range, tokens; and misbehaves on request.
 */

import { createHash } from "node:crypto";

/** What the server holds and how it behaves. */
export interface TestHubOptions {
  readonly repo: string;
  /** Files by their path in the repository. */
  readonly files: Readonly<Record<string, Uint8Array<ArrayBuffer>>>;
  /** Refuse requests without this token. */
  readonly token?: string;
  /** Break the connection after so many bytes, the first `breaks` times. */
  readonly breakAfter?: number;
  readonly breaks?: number;
  /** Answer Range requests with the whole file. */
  readonly ignoreRange?: boolean;
  /** The hash the list gives, in place of the right one. */
  readonly listedSha256?: string;
  /** The hash the redirect gives, in place of the listed one. */
  readonly linkedSha256?: string;
}

/** A running server. */
export interface TestHub extends AsyncDisposable {
  readonly endpoint: string;
  /** What was asked for: `GET /path`, with `bytes=…` and `token` where they were sent. */
  readonly requests: readonly string[];
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** Starts the hub and, on another port, the store its downloads are redirected to. */
export function testHub(options: TestHubOptions): TestHub {
  const requests: string[] = [];
  let breaks = options.breaks ?? 0;
  const note = (request: Request, where: string) => {
    const range = request.headers.get("Range");
    const token = request.headers.has("Authorization") ? "token" : undefined;
    const path = new URL(request.url).pathname;
    requests.push([where, path, range, token].filter((part) => part).join(" "));
  };
  const quiet = { hostname: "127.0.0.1", port: 0, onListen: () => {} };

  const store = Deno.serve(quiet, (request) => {
    note(request, "store");
    const name = decodeURIComponent(new URL(request.url).pathname.slice(1));
    const bytes = options.files[name];
    if (bytes === undefined) return new Response(null, { status: 404 });
    const range = /^bytes=(\d+)-$/.exec(request.headers.get("Range") ?? "");
    const start = range === null || options.ignoreRange ? 0 : Number(range[1]);
    const body = bytes.subarray(start);
    const headers = new Headers({ "Content-Length": String(body.length) });
    const partial = range !== null && !options.ignoreRange;
    if (partial) {
      headers.set("Content-Range", `bytes ${start}-${bytes.length - 1}/${bytes.length}`);
    }
    const isBroken = breaks > 0;
    if (isBroken) breaks--;
    const sent = isBroken ? broken(body, options.breakAfter ?? 0) : body;
    return new Response(sent, { status: partial ? 206 : 200, headers });
  });

  const hub = Deno.serve(quiet, (request) => {
    note(request, "hub");
    if (
      options.token !== undefined &&
      request.headers.get("Authorization") !== `Bearer ${options.token}`
    ) {
      return new Response("Access denied", { status: 401 });
    }
    const path = new URL(request.url).pathname;
    if (path === `/api/models/${options.repo}/tree/main`) return Response.json(tree(options));
    const prefix = `/${options.repo}/resolve/main/`;
    const bytes = options.files[decodeURIComponent(path.slice(prefix.length))];
    if (!path.startsWith(prefix) || bytes === undefined) {
      return new Response("Not found", { status: 404 });
    }
    const linked = options.linkedSha256 ?? options.listedSha256 ?? sha256(bytes);
    return new Response(null, {
      status: 302,
      headers: {
        Location: `http://127.0.0.1:${store.addr.port}/${path.slice(prefix.length)}`,
        "X-Linked-Etag": `"${linked}"`,
        "X-Linked-Size": String(bytes.length),
      },
    });
  });

  return {
    endpoint: `http://127.0.0.1:${hub.addr.port}`,
    requests,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([hub.shutdown(), store.shutdown()]);
    },
  };
}

function tree({ files, listedSha256 }: TestHubOptions) {
  const entries = Object.entries(files).map(([path, bytes]) => ({
    type: "file",
    path,
    size: bytes.length,
    lfs: { oid: listedSha256 ?? sha256(bytes), size: bytes.length },
  }));
  return [{ type: "directory", path: "sub", size: 0 }, ...entries];
}

/** Sends the first bytes, then ends the connection in the middle of the body. */
function broken(bytes: Uint8Array<ArrayBuffer>, after: number): ReadableStream<Uint8Array> {
  let sent = false;
  return new ReadableStream({
    async pull(controller) {
      if (!sent && after > 0) {
        sent = true;
        controller.enqueue(bytes.slice(0, after));
        return;
      }
      // The bytes before must reach the client, or there is nothing to resume.
      await new Promise((resolve) => setTimeout(resolve, 50));
      controller.close();
    },
  });
}
