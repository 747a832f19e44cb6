/**
 * Where the project is and where everything fetched or compiled lives. Creates nothing.
 */

import { fromFileUrl, isAbsolute, join, resolve } from "@std/path";

/** The absolute path of the folder that holds `deno.json`, without a slash at its end. */
export function projectRoot(): string {
  return resolve(fromFileUrl(new URL("../../", import.meta.url)));
}

/** The absolute path of the cache: `$KERF_CACHE` (relative to INIT_CWD), else `.cache` in the project. */
export function cacheDir(): string {
  const chosen = Deno.env.get("KERF_CACHE");
  if (chosen === undefined || chosen === "") return join(projectRoot(), ".cache");
  return isAbsolute(chosen) ? chosen : resolve(Deno.env.get("INIT_CWD") ?? Deno.cwd(), chosen);
}
