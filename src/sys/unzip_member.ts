/**
 * Takes one member out of a zip archive as a stream: neither the archive nor the member is ever whole in
 * memory.
 */

import { Unzip, UnzipInflate } from "fflate";
import { KerfError } from "../core/error.ts";

/** What to take out, and where to. */
export interface UnzipMember {
  readonly archive: string;
  /** The member's path in the archive. */
  readonly member: string;
  /** The file to write; overwritten. */
  readonly target: string;
  /** Called with the bytes written so far; what it throws ends the work. */
  readonly onBytes?: (done: number) => void;
}

/** Writes a member of a zip archive to a file. @throws {KerfError} it is not there, or is damaged */
export async function unzipMember(options: UnzipMember): Promise<void> {
  using archive = await Deno.open(options.archive);
  using target = await Deno.open(options.target, { create: true, write: true, truncate: true });
  let state: "absent" | "begun" | "complete" = "absent";
  let failure: unknown;
  let written = 0;
  const unzip = new Unzip((entry) => {
    if (entry.name !== options.member) return;
    state = "begun";
    entry.ondata = (error, bytes, final) => {
      if (error) failure = error;
      else for (let at = 0; at < bytes.length;) at += target.writeSync(bytes.subarray(at));
      written += bytes?.length ?? 0;
      if (final) state = "complete";
    };
    entry.start();
  });
  unzip.register(UnzipInflate);
  const chunk = new Uint8Array(1 << 18);
  const stopped = () => failure !== undefined || state === "complete";
  while (!stopped()) {
    const n = await archive.read(chunk);
    if (n === null) break;
    try {
      // The library keeps what it cannot use yet: it gets a copy.
      unzip.push(chunk.slice(0, n));
    } catch (error) {
      failure = error;
    }
    options.onBytes?.(written);
  }
  if (failure === undefined && stopped()) return;
  const why = failure instanceof Error
    ? failure.message
    : `the member is ${state === "absent" ? "not there" : "cut off"}`;
  throw new KerfError(`Cannot unzip "${options.member}" from "${options.archive}": ${why}`, {
    cause: failure,
  });
}
