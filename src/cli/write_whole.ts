/** Files that are there whole or not at all. */

import { dirname, join } from "@std/path";
import { KerfError } from "../core/error.ts";
import { userPath } from "./root.ts";

/** What a file is called until it is whole; the launcher lets a command read it, which renaming takes. */
export const partName = (path: string): string => `${path}.part`;

/**
 * Where a file goes that is written when the work is done.
 *
 * @throws {KerfError} exit code 2: its folder is not there, or it is one
 */
export async function outputPath(given: string): Promise<string> {
  const path = userPath(given);
  if (await isFolder(path)) {
    throw new KerfError(`Cannot write "${given}": it is a folder`, {
      hint: `-o ${join(given, "FILE")}`,
      exitCode: 2,
    });
  }
  try {
    (await Deno.open(partName(path), { write: true, create: true })).close();
    await Deno.remove(partName(path));
    return path;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new KerfError(`Cannot write "${given}": there is no such folder`, {
      hint: `mkdir -p ${dirname(given)}`,
      exitCode: 2,
    });
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Writes a file beside its place and renames it: whoever reads sees the old one or the new one. */
export async function writeWhole(
  path: string,
  data: string | Uint8Array<ArrayBuffer>,
): Promise<void> {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  await Deno.writeFile(partName(path), bytes);
  await Deno.rename(partName(path), path);
}
