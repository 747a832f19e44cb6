/**
 * From what the user typed after `-m` to the path of a GGUF file that is there. Fetched files live in
 * the cache and are checked once, when they are put there.
 */

import { basename, join, resolve } from "@std/path";
import { KerfError } from "../core/error.ts";
import { installDefaultModel } from "./default_model.ts";
import { download } from "./download.ts";
import type { FetchOptions } from "./fetch_options.ts";
import { fileBytes } from "./file_hash.ts";
import { findHubModel } from "./hub.ts";
import { TransferError } from "./hub_request.ts";
import { withFolderLock } from "./install_lock.ts";
import { parseModelSource } from "./model_source.ts";

export type { FetchOptions, FetchProgress } from "./fetch_options.ts";

/** The hub, unless HF_ENDPOINT names a mirror. */
const HUB = "https://huggingface.co";

/**
 * The path of a model file.
 *
 * @param source nothing: the default model; a path, relative to INIT_CWD; `hf:user/repo[:QUANT]`, with
 * HF_TOKEN and HF_ENDPOINT from the environment
 * @throws {KerfError} it cannot be fetched; a path is not looked at: reading it says what is wrong
 */
export async function resolveModel(
  source: string | undefined,
  options: FetchOptions,
): Promise<string> {
  const parsed = parseModelSource(source);
  switch (parsed.kind) {
    case "default":
      return await installDefaultModel(options);
    case "path":
      return resolve(Deno.env.get("INIT_CWD") ?? Deno.cwd(), parsed.path);
    case "hub":
      return await fetchFromHub(parsed, options);
  }
}

async function fetchFromHub(
  { repo, quant }: { repo: string; quant: string | undefined },
  options: FetchOptions,
): Promise<string> {
  const { signal, onProgress } = options;
  const access = {
    endpoint: Deno.env.get("HF_ENDPOINT") || HUB,
    token: Deno.env.get("HF_TOKEN") || undefined,
    signal,
  };
  const folder = join(options.cacheDir, "models", "hf", repo.replace("/", "--"));
  const file = await findHubModel(repo, { ...access, quant }).catch(async (error) => {
    throw error instanceof TransferError ? await offline(error, { repo, folder }) : error;
  });
  // The hash in the name: a model that changed on the hub is another file here.
  const stem = basename(file.path, ".gguf");
  const path = join(folder, `${stem}.${file.sha256.slice(0, 12)}.gguf`);
  const isThere = async () => await fileBytes(path) === file.bytes;
  if (await isThere()) return path;
  const onWait = () =>
    onProgress?.({ label: "waiting for another process", done: 0, total: file.bytes });
  await withFolderLock(folder, async () => {
    if (!(await isThere())) await download(file, { ...access, path, onProgress });
  }, { signal, onWait });
  return path;
}

/** Without the hub it is not known which file is meant; those that are here can be named. */
async function offline(
  cause: TransferError,
  { repo, folder }: { repo: string; folder: string },
): Promise<KerfError> {
  const here: string[] = [];
  if (await fileBytes(folder) !== undefined) {
    for await (const { name } of Deno.readDir(folder)) {
      if (name.endsWith(".gguf")) here.push(`pass the file itself: -m ${join(folder, name)}`);
    }
  }
  return new KerfError(`Cannot look up "hf:${repo}": ${cause.message}`, {
    hint: here.length > 0 ? here : "check the connection; behind a mirror, set HF_ENDPOINT",
    cause,
  });
}
