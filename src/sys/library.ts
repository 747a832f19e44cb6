/**
 * Loads dynamic libraries: the only place that touches `Deno.dlopen`.
 *
 * A library stays open for the life of the process: a call after `close()` is a segmentation fault. One
 * path must always hold the same bytes, since opening a path again gives the code that was loaded first.
 */

import { KerfError } from "../core/error.ts";

/**
 * Opens the library at an absolute path and returns its functions.
 *
 * @param symbols the functions' types; write the literal `as const` so that calls are type-checked
 * @param hint what to type when it cannot be loaded
 * @throws {KerfError} when the file cannot be loaded or lacks a function
 */
export function openLibrary<const S extends Deno.ForeignLibraryInterface>(
  path: string,
  symbols: S,
  hint?: string,
): Deno.DynamicLibrary<S>["symbols"] {
  try {
    return Deno.dlopen(path, symbols).symbols;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) throw cause;
    // Deno puts the same words in front twice.
    const reason = (cause instanceof Error ? cause.message : String(cause))
      .replace(/^(Could not open library: )+/, "").replace(`${path}: `, "");
    throw new KerfError(`Cannot load the library "${path}": ${reason}`, {
      cause,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}
