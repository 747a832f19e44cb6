/**
 * Where NVIDIA's libraries are: absolute paths, since permissions name files. Looks where installers,
 * containers and WSL put them; opens nothing.
 */

import { join } from "@std/path";

/** The system's folders of libraries, and those of drivers beside it. */
const FOLDERS = [
  "/usr/lib/wsl/lib",
  "/usr/local/nvidia/lib64",
  "/run/opengl-driver/lib",
  ...(Deno.build.arch === "aarch64"
    ? ["/usr/lib/aarch64-linux-gnu", "/lib/aarch64-linux-gnu"]
    : ["/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu"]),
  "/usr/lib64",
  "/lib64",
  "/usr/lib",
  "/usr/lib64/nvidia",
  "/usr/lib/nvidia",
];

/**
 * The absolute path of the first library that is found: name after name, for each the folders of
 * LD_LIBRARY_PATH, then `folders`, then the system's. A process with few permissions sees only what it may
 * read, so the launcher passes its findings on by environment variables.
 */
export function findLibrary(
  names: readonly string[],
  folders: readonly string[] = [],
): string | undefined {
  const given = libraryPath().split(":").filter((path) => path.startsWith("/"));
  const all = [...given, ...folders, ...FOLDERS];
  return names.flatMap((name) => all.map((folder) => join(folder, name))).find(isFile);
}

/**
 * The paths that `--allow-ffi` and `--allow-read` must name for a library to load: itself and, where it is a
 * link, what it points at. Empty without one.
 */
export function libraryFiles(path: string | undefined): string[] {
  return path === undefined ? [] : [...new Set([path, realPath(path)])];
}

function realPath(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch {
    return path;
  }
}

function libraryPath(): string {
  const { state } = Deno.permissions.querySync({ name: "env", variable: "LD_LIBRARY_PATH" });
  return state === "granted" ? Deno.env.get("LD_LIBRARY_PATH") ?? "" : "";
}

/** What may not be looked at is not there for this process. */
function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
