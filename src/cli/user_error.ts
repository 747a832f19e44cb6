/**
 * Which errors are for the person at the keyboard: Kerf's own, and the system's refusals of a file or a
 * folder. Everything else is a bug and keeps its trace.
 */

import { KerfError } from "../core/error.ts";

/** Refusals that a person can do something about, by the system's code. */
const REFUSALS = new Set([
  ...["EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "ENOTDIR", "EISDIR", "EMFILE", "ENFILE"],
]);

/** The error to print without a trace; undefined: a bug. */
export function userError(error: unknown): KerfError | undefined {
  if (error instanceof KerfError) return error;
  if (!(error instanceof Error)) return undefined;
  const hint =
    "check the paths given; for the cache, choose a folder you can write to: KERF_CACHE=DIR";
  const { code } = error as { code?: unknown };
  if (typeof code === "string" && REFUSALS.has(code)) {
    return new KerfError(`Cannot use a file: ${error.message}`, { hint, cause: error });
  }
  // Deno lets nobody but --allow-all into /proc, /dev and /sys.
  const special = error instanceof Deno.errors.NotCapable &&
    /^Requires all access to ("[^"]+")/.exec(error.message);
  if (!special) return undefined;
  return new KerfError(`Cannot use ${special[1]}: files of the system stay closed to Kerf`, {
    hint,
    cause: error,
  });
}
