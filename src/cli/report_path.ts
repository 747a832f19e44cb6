/** Where a page goes that a command writes at its end: known to be writable before the work begins. */

import { dirname, join } from "@std/path";
import { KerfError } from "../core/error.ts";
import { userPath } from "./root.ts";

/** Whether a file is there. */
function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Where the report goes: opened before minutes of work end there, and left as it is until then, also where
 * the work is refused.
 *
 * @throws {KerfError} exit code 2: its folder is not there, or it is one
 */
export function reportPath(given: string): string {
  const path = userPath(given);
  try {
    const wasThere = isThere(path);
    Deno.openSync(path, { write: true, create: true }).close();
    if (!wasThere) Deno.removeSync(path);
    return path;
  } catch (error) {
    if (error instanceof Deno.errors.IsADirectory) {
      throw new KerfError(`Cannot write the report "${given}": it is a folder`, {
        hint: `--report ${join(given, "report.html")}`,
        exitCode: 2,
      });
    }
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new KerfError(`Cannot write the report "${given}": there is no such folder`, {
      hint: `mkdir -p ${dirname(given)}`,
      exitCode: 2,
    });
  }
}
