/** Where the project is, and where the user typed the command. */

import { isAbsolute, join } from "@std/path";
import { projectRoot } from "../sys/cache_dir.ts";

/** The project's root, without a slash at the end. */
export const ROOT: string = projectRoot();

/** A path as the user meant it: relative to the folder of the command, which `deno task` leaves. */
export function userPath(path: string): string {
  return isAbsolute(path) ? path : join(Deno.env.get("INIT_CWD") ?? Deno.cwd(), path);
}
