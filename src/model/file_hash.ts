/** SHA-256 of a file, read in pieces. */

import { throwIfInterrupted } from "./fetch_options.ts";

/** What hashing reports and obeys. */
export interface HashOptions {
  /** Called with the bytes read so far. */
  readonly onBytes?: (done: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** The SHA-256 of the file at `path`, in hexadecimal. @throws {KerfError} interrupted */
export async function sha256OfFile(path: string, options: HashOptions = {}): Promise<string> {
  // Imported here: a run whose model is there needs neither it nor its 20 ms.
  const { createHash } = await import("node:crypto");
  using file = await Deno.open(path);
  const hash = createHash("sha256");
  const chunk = new Uint8Array(1 << 20);
  for (let done = 0;;) {
    throwIfInterrupted(options.signal);
    const n = await file.read(chunk);
    if (n === null) return hash.digest("hex");
    hash.update(chunk.subarray(0, n));
    options.onBytes?.(done += n);
  }
}

/** Size of the file at `path`, or undefined when there is none. */
export async function fileBytes(path: string): Promise<number | undefined> {
  try {
    return (await Deno.stat(path)).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
