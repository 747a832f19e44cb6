/**
 * `deno task gen` without its command line: brings generated/ in line with kernels/ and templates/. Only
 * what changed is written, what no kernel needs any more is removed, and the manifest comes last.
 */

import { KerfError } from "../core/error.ts";
import type { KernelEntry, Manifest, Target } from "../core/manifest.ts";
import { nearest } from "../core/nearest.ts";
import type { Diagnostic } from "../frontend/mod.ts";
import { catalog, isOnTarget } from "./catalog.ts";
import type { CatalogEntry } from "./catalog.ts";
import { unifiedDiff } from "./diff.ts";
import { emitKernel, headerFiles } from "./emit_kernels.ts";
import { openTemplates } from "./environment.ts";
import type { RenderedFile } from "./render.ts";
import { loadSources } from "./sources.ts";
import { EMIT_TARGETS } from "./targets/mod.ts";
import { kernelName } from "./types.ts";

/** What to generate. */
export interface GenerateOptions {
  /** The project's root: kernels/, templates/ and src/dsl/ are read below it. */
  readonly root: string;
  /** The folder that holds generated/; the root when absent. */
  readonly out?: string;
  /** Writes nothing and returns the difference. */
  readonly check?: boolean;
  /** Definitions or kernels by name; all when empty. With names nothing is removed. */
  readonly names?: readonly string[];
  /** All that there are when absent. */
  readonly targets?: readonly Target[];
}

/** What was done, or with `check` what would be. Paths are project-relative. */
export interface GenerateResult {
  readonly written: readonly string[];
  readonly removed: readonly string[];
  /** Kernels emitted. */
  readonly nKernels: number;
  /** With `check`: a unified diff from what is there to what should be. */
  readonly diff: string;
  /** Problems in kernel files; nothing is written when there are any. */
  readonly diagnostics: readonly Diagnostic[];
}

const MANIFEST = "generated/manifest.json";

/**
 * Generates.
 *
 * @throws {KerfError} a name is no kernel's
 */
export async function generate(options: GenerateOptions): Promise<GenerateResult> {
  const { root, out = root, check = false, names = [] } = options;
  const { sources, diagnostics } = await loadSources(root);
  const nothing = { written: [], removed: [], nKernels: 0, diff: "", diagnostics };
  if (diagnostics.length > 0) return nothing;

  const targets = EMIT_TARGETS.filter(({ name }) => options.targets?.includes(name) ?? true);
  const wanted = selectKernels(catalog(sources), names)
    .filter((entry) => targets.some((target) => isOnTarget(entry, target)));
  const templates = openTemplates(`${root}/templates`);
  const emitted = await Promise.all(wanted.map((e) => emitKernel(e, targets, templates)));

  const whole = names.length === 0 && targets.length === EMIT_TARGETS.length;
  const kernels = whole ? {} : { ...readManifest(out)?.kernels };
  const files: RenderedFile[] = targets.flatMap((target) => headerFiles(root, target));
  for (const { entry, texts } of emitted) {
    const { name } = entry.signature;
    for (const { name: target } of targets) {
      const source = entry.sources[target];
      if (source) files.push({ path: source.file, text: texts[target]! });
    }
    kernels[name] = whole ? entry : withOtherTargets(entry, kernels[name]);
  }
  const manifest: Manifest = { schema: 1, kernels: sortedByKey(kernels) };
  files.push({ path: MANIFEST, text: JSON.stringify(manifest, null, 2) + "\n" });

  const kept = new Set(files.map((file) => file.path));
  const stale = whole ? generatedFiles(out).filter((path) => !kept.has(path)) : [];
  const changed = files.filter((file) => readIfThere(`${out}/${file.path}`) !== file.text);
  if (!check) write(out, changed, stale);
  return {
    written: changed.map((file) => file.path),
    removed: stale,
    nKernels: emitted.length,
    diff: check ? difference(out, changed, stale) : "",
    diagnostics,
  };
}

function difference(
  root: string,
  changed: readonly RenderedFile[],
  stale: readonly string[],
): string {
  const removed = stale.map((path) => ({ path, text: undefined }));
  return [...changed, ...removed]
    .map(({ path, text }) => unifiedDiff(path, readIfThere(`${root}/${path}`), text)).join("");
}

function selectKernels(entries: readonly CatalogEntry[], names: readonly string[]): CatalogEntry[] {
  const matches = ({ source, request }: CatalogEntry, name: string) =>
    [source.definition.name, source.file, kernelName(request)].includes(name);
  for (const name of names) {
    if (entries.some((entry) => matches(entry, name))) continue;
    const known = [...new Set(entries.map((entry) => entry.source.definition.name))];
    const near = nearest(name, known);
    throw new KerfError(`Cannot generate "${name}": no file in kernels/ declares it`, {
      hint: [...(near ? [`did you mean ${near}?`] : []), `there are: ${known.join(", ")}`],
      exitCode: 2,
    });
  }
  if (names.length === 0) return [...entries];
  return entries.filter((entry) => names.some((name) => matches(entry, name)));
}

/** A partial run keeps what the manifest knows of the other targets. */
const withOtherTargets = (entry: KernelEntry, known: KernelEntry | undefined): KernelEntry =>
  known === undefined ? entry : {
    ...entry,
    sources: { ...known.sources, ...entry.sources },
  };

/** Writes the manifest, which is last in the list, last, and removes only what it no longer names. */
function write(root: string, changed: readonly RenderedFile[], stale: readonly string[]): void {
  for (const { path, text } of changed) {
    const to = `${root}/${path}`;
    Deno.mkdirSync(to.slice(0, to.lastIndexOf("/")), { recursive: true });
    Deno.writeTextFileSync(to, text);
  }
  for (const path of stale) Deno.removeSync(`${root}/${path}`);
}

function readManifest(root: string): Manifest | undefined {
  const text = readIfThere(`${root}/${MANIFEST}`);
  return text === undefined ? undefined : JSON.parse(text) as Manifest;
}

function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Every file below generated/, project-relative. */
function generatedFiles(root: string, folder = "generated"): string[] {
  try {
    return [...Deno.readDirSync(`${root}/${folder}`)].flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      return entry.isDirectory ? generatedFiles(root, path) : [path];
    });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

const sortedByKey = <T>(record: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => a < b ? -1 : 1));
