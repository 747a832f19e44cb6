/**
 * Puts NVRTC into the cache: pip fetches the pinned wheel, two libraries are taken out of it. They appear
 * together by one rename; a folder that a killed process left is swept by the next installation.
 */

import { dirname, join } from "@std/path";
import { KerfError } from "../core/error.ts";
import { pipDownload } from "../sys/pip.ts";
import { hasNvrtc, NVRTC_LIBRARIES, NVRTC_VERSION, nvrtcFolder } from "./nvrtc.ts";

/** What pip is asked for. */
export const NVRTC_REQUIREMENT = `nvidia-cuda-nvrtc==${NVRTC_VERSION}`;

/** The libraries' folder inside the wheel. */
const MEMBERS = "nvidia/cu13/lib";
const WORK_PREFIX = "fetch-";

/** Options of {@linkcode installNvrtc}. */
export interface InstallNvrtcOptions {
  readonly cacheDir: string;
  /** Called when a part of the work starts. */
  readonly onStart?: (what: string) => void;
  /** The interpreter that has pip. Default `python3`. */
  readonly python?: string;
}

/**
 * Installs NVRTC unless it is there.
 *
 * @returns whether it had to be fetched
 * @throws {KerfError} Python or pip is missing, pip fails, or the wheel is not the one expected
 */
export async function installNvrtc(options: InstallNvrtcOptions): Promise<boolean> {
  const { cacheDir, onStart, python } = options;
  if (await hasNvrtc(cacheDir)) return false;
  const target = nvrtcFolder(cacheDir);
  const parent = dirname(target);
  await Deno.mkdir(parent, { recursive: true });
  for await (const { name } of Deno.readDir(parent)) {
    if (name.startsWith(WORK_PREFIX)) await Deno.remove(join(parent, name), { recursive: true });
  }
  const work = await Deno.makeTempDir({ dir: parent, prefix: WORK_PREFIX });
  try {
    onStart?.(`downloading ${NVRTC_REQUIREMENT} (90 MB)`);
    await pipDownload({ requirement: NVRTC_REQUIREMENT, folder: work, purpose: "NVRTC", python });
    onStart?.("unpacking");
    const archive = join(work, await wheelIn(work));
    const libraries = join(work, "libraries");
    await Deno.mkdir(libraries);
    const { unzipMember } = await import("../sys/unzip_member.ts");
    for (const name of Object.values(NVRTC_LIBRARIES)) {
      await unzipMember({ archive, member: `${MEMBERS}/${name}`, target: join(libraries, name) });
    }
    await renameUnlessThere(libraries, target);
  } finally {
    await Deno.remove(work, { recursive: true });
  }
  return true;
}

async function wheelIn(folder: string): Promise<string> {
  for await (const { name } of Deno.readDir(folder)) if (name.endsWith(".whl")) return name;
  throw new KerfError("Cannot install NVRTC: pip brought no wheel", {
    hint: "NVIDIA's wheels are for Linux on x86-64 and arm64; elsewhere install the CUDA toolkit",
  });
}

/** Another process may have been faster; its libraries are the same. */
async function renameUnlessThere(from: string, to: string): Promise<void> {
  try {
    await Deno.rename(from, to);
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
  }
}
