/**
 * The Hugging Face hub's ordinary URLs: which .gguf files a repository has, which of them is meant, and
 * what size and sha256 it must have. Downloading is download.ts.
 */

import { KerfError } from "../core/error.ts";
import { hubRequest } from "./hub_request.ts";
import type { HubAccess } from "./hub_request.ts";

/** One file of a repository. */
export interface HubFile {
  /** Its path in the repository. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly url: string;
}

interface TreeEntry {
  readonly type: string;
  readonly path: string;
  readonly size: number;
  readonly lfs?: { readonly oid: string; readonly size: number };
}

/** Taken when a repository has several and no QUANT was given, as llama.cpp does. */
const USUAL_QUANT = "Q4_K_M";

/**
 * Finds the model file of a repository.
 * @param options.quant the end of the file's name; absent: the only file, or the Q4_K_M one
 * @throws {KerfError} no such repository, no such file, several to choose from, no access
 */
export async function findHubModel(
  repo: string,
  options: HubAccess & { quant: string | undefined },
): Promise<HubFile> {
  const response = await hubRequest(`/api/models/${repo}/tree/main?recursive=true`, options);
  const entries = treeEntries(repo, await response.json().catch(() => undefined));
  const files = entries.filter(({ type, path }) =>
    type === "file" && path.endsWith(".gguf") && !/(^|\/)mmproj/i.test(path)
  );
  const file = choose(repo, { files, quant: options.quant });
  if (/-\d{5}-of-\d{5}\.gguf$/.test(file.path)) {
    fail(repo, `"${file.path}" is one of several shards`, "choose a file that is whole");
  }
  if (file.lfs === undefined || !/^[0-9a-f]{64}$/.test(file.lfs.oid)) {
    return fail(repo, `the hub gives no sha256 for "${file.path}"`);
  }
  const name = file.path.split("/").map(encodeURIComponent).join("/");
  const url = `/${repo}/resolve/main/${name}`;
  return { path: file.path, bytes: file.lfs.size, sha256: file.lfs.oid, url };
}

function treeEntries(repo: string, json: unknown): TreeEntry[] {
  const isEntry = (e: unknown): e is TreeEntry =>
    typeof e === "object" && e !== null && "type" in e && "path" in e &&
    typeof e.path === "string";
  if (Array.isArray(json) && json.every(isEntry)) return json;
  return fail(repo, "the hub's answer is no list of files");
}

function choose(
  repo: string,
  { files, quant }: { files: readonly TreeEntry[]; quant: string | undefined },
): TreeEntry {
  const names = files.map(({ path }) => path).join(", ");
  if (files.length === 0) {
    fail(repo, "it has no .gguf file", "look for a repository whose name ends in -GGUF");
  }
  const ending = (wanted: string) =>
    files.filter(({ path }) =>
      new RegExp(`(^|[-._/])${RegExp.escape(wanted)}\\.gguf$`, "i").test(path)
    );
  if (quant !== undefined) {
    const found = ending(quant);
    if (found.length === 1) return found[0]!;
    return fail(
      repo,
      found.length === 0 ? `no file ends in ${quant}.gguf` : `${found.length} files are ${quant}`,
      `it has ${names}`,
    );
  }
  if (files.length === 1) return files[0]!;
  const usual = ending(USUAL_QUANT);
  if (usual.length === 1) return usual[0]!;
  return fail(repo, `it has ${files.length} models`, `add :QUANT; it has ${names}`);
}

function fail(repo: string, state: string, hint?: string): never {
  throw new KerfError(
    `Cannot choose a model from "hf:${repo}": ${state}`,
    hint === undefined ? {} : { hint },
  );
}
