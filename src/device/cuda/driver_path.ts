/**
 * Where NVIDIA's driver library is: an absolute path, since permissions name files. Looks where its
 * installers, containers and WSL put it; opens nothing.
 */

import { join } from "@std/path";
import { KerfError } from "../../core/error.ts";

/** The library's name in every installation. */
const NAME = "libcuda.so.1";

/** Folders in the order they are tried, behind those of LD_LIBRARY_PATH. */
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
 * The absolute path of libcuda.so.1: `$KERF_LIBCUDA` if it is set, else the first that is found; undefined
 * without one. A process with few permissions sees only what it may read, so the launcher passes its
 * finding on by that variable.
 */
export function cudaDriverPath(): string | undefined {
  const given = Deno.env.get("KERF_LIBCUDA");
  if (given) return given;
  const folders = [...libraryPath().split(":").filter((path) => path.startsWith("/")), ...FOLDERS];
  return folders.map((folder) => join(folder, NAME)).find(isFile);
}

/**
 * The same, where there has to be one.
 *
 * @throws {KerfError} there is none
 */
export function requireCudaDriverPath(): string {
  const path = cudaDriverPath();
  if (path !== undefined) return path;
  throw new KerfError(`Cannot open a GPU: NVIDIA's driver library ${NAME} was not found`, {
    hint: [
      "install NVIDIA's driver: https://www.nvidia.com/drivers",
      `KERF_LIBCUDA=/path/to/${NAME}, where it is in an unusual place`,
      "--device cpu",
    ],
  });
}

/**
 * The paths that `--allow-ffi` and `--allow-read` must name for the driver to load: the library and, where
 * it is a link, what it points at. Empty without a driver.
 */
export function cudaDriverFiles(): string[] {
  const path = cudaDriverPath();
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
