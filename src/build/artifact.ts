/**
 * Files named by what they were made from. An artifact appears by a rename and is complete whenever it is
 * there: processes may race for it and may be killed at any moment. Work in progress lies in `tmp-*`
 * folders beside the artifacts; one that was left behind is swept an hour later.
 */

import { sha256 } from "../core/hash.ts";
import { join } from "@std/path";

/**
 * Version of what compiled code and the runtime agree on: the op record, the argument struct, a kernel's
 * prototype. Part of every artifact's name.
 */
export const ABI_VERSION = 1;

/** No compilation takes this long, so a work folder this old has lost its process. */
const ABANDONED_MS = 3_600_000;

/** An artifact to find or make. */
export interface ArtifactRequest {
  /** The folder that holds artifacts; made when missing. */
  readonly dir: string;
  /** For people, at the start of the file's name. */
  readonly name: string;
  /** With the dot: `.so`. */
  readonly extension: string;
  /** Everything the bytes depend on. */
  readonly inputs: readonly string[];
  /** Makes the artifact inside an empty work folder and returns its path there. */
  readonly make: (workDir: string, finalStem: string) => Promise<string>;
}

/** sha256 over the inputs and where each ends, as 64 hexadecimal digits. */
export function artifactKey(inputs: readonly string[]): Promise<string> {
  return sha256(JSON.stringify([ABI_VERSION, ...inputs]));
}

/** Artifacts this process is making, so that two requests for one make it once. */
const inProgress = new Map<string, Promise<string>>();

/** Folders that this process has swept: one may hold thousands of artifacts. */
const swept = new Set<string>();

/** The path of the artifact, made first when it is not there. */
export async function artifact(request: ArtifactRequest): Promise<string> {
  const stem = join(request.dir, `${request.name}-${await artifactKey(request.inputs)}`);
  const path = stem + request.extension;
  const running = inProgress.get(path);
  if (running) return await running;
  const making = makeOnce(request, stem, path).finally(() => inProgress.delete(path));
  inProgress.set(path, making);
  return await making;
}

async function makeOnce(request: ArtifactRequest, stem: string, path: string): Promise<string> {
  if (await exists(path)) return path;
  await Deno.mkdir(request.dir, { recursive: true });
  if (!swept.has(request.dir)) {
    swept.add(request.dir);
    await sweep(request.dir);
  }
  const workDir = await Deno.makeTempDir({ dir: request.dir, prefix: "tmp-" });
  try {
    await Deno.rename(await request.make(workDir, stem), path);
  } finally {
    await Deno.remove(workDir, { recursive: true });
  }
  return path;
}

async function exists(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Removes work folders whose process is gone. */
async function sweep(dir: string): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(dir)) {
    if (!isDirectory || !name.startsWith("tmp-")) continue;
    const path = join(dir, name);
    try {
      const { mtime } = await Deno.stat(path);
      if (mtime && Date.now() - mtime.getTime() > ABANDONED_MS) {
        await Deno.remove(path, { recursive: true });
      }
    } catch (error) {
      // Another process finished with it or swept it first.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}
