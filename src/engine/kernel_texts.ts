/**
 * Where a plan's kernels come from: generated/ as the manifest lists it, else the renderer, which runs in a
 * process of its own. A generated file that is not the one the manifest describes is an error, never used.
 */

import { fromFileUrl } from "@std/path";
import { KerfError } from "../core/error.ts";
import { sha256 } from "../core/hash.ts";
import type { AuthoredFile, Manifest, Target } from "../core/manifest.ts";
import { renderedTexts } from "./rendered_texts.ts";
import type { KernelText } from "./rendered_texts.ts";

const PROJECT: URL = new URL("../../", import.meta.url);

/** The manifest that was read last: parsing it takes 5 ms, and a start asks twice. */
let lastRead: { readonly text: string; readonly manifest: Manifest } | undefined;

async function readManifest(root: URL): Promise<Manifest> {
  let text: string;
  try {
    text = await Deno.readTextFile(new URL("generated/manifest.json", root));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { schema: 1, kernels: {} };
    throw error;
  }
  if (lastRead?.text === text) return lastRead.manifest;
  const manifest: Manifest = JSON.parse(text);
  if (manifest.schema === 1) {
    lastRead = { text, manifest };
    return manifest;
  }
  throw new KerfError(`Cannot read generated/manifest.json: its schema is ${manifest.schema}`, {
    hint: "deno task gen",
  });
}

/**
 * The texts of kernels, in the order of their names.
 *
 * @param options.root the project's folder; tests point it elsewhere
 * @throws {KerfError} a generated file is missing or was changed by hand, or a name is of no kernel
 */
export async function kernelTexts(
  names: readonly string[],
  options: { target: Target; root?: URL },
): Promise<KernelText[]> {
  const { target, root = PROJECT } = options;
  const manifest = await readManifest(root);
  const texts = new Map<string, KernelText>();
  const files = new Map<string, string>();
  const checked = new Set<string>();
  const missing: string[] = [];
  for (const name of names) {
    const entry = manifest.kernels[name];
    const source = entry?.sources[target];
    if (!entry || !source) {
      missing.push(name);
      continue;
    }
    for (const authored of entry.authored) await checkAuthored(root, authored, checked);
    const text = files.get(source.file) ?? await readGenerated(root, source);
    files.set(source.file, text);
    texts.set(name, { entry, text });
  }
  if (missing.length > 0) {
    const project = fromFileUrl(root).replace(/\/$/, "");
    const rendered = await renderedTexts(missing, { target, root: project });
    missing.forEach((name, i) => texts.set(name, rendered[i]!));
  }
  return names.map((name) => texts.get(name)!);
}

/** A kernel must not run that was generated from another text than its author sees. */
async function checkAuthored(
  root: URL,
  { file, sha256: expected }: AuthoredFile,
  checked: Set<string>,
): Promise<void> {
  if (checked.has(file)) return;
  checked.add(file);
  const text = await Deno.readTextFile(new URL(file, root)).catch(() => undefined);
  if (text !== undefined && await sha256(text) === expected) return;
  const what = text === undefined ? "is gone" : "has changed";
  throw new KerfError(`Cannot use generated/: ${file} ${what} since it was made`, {
    hint: "deno task gen",
  });
}

async function readGenerated(
  root: URL,
  { file, sha256: expected }: { readonly file: string; readonly sha256: string },
): Promise<string> {
  let text: string;
  try {
    text = await Deno.readTextFile(new URL(file, root));
  } catch (cause) {
    throw new KerfError(`Cannot read the generated kernel "${file}"`, {
      hint: "deno task gen",
      cause,
    });
  }
  if (await sha256(text) === expected) return text;
  throw new KerfError(`Cannot use "${file}": it is not the file that the manifest describes`, {
    hint: "deno task gen",
  });
}
