/**
 * Reads the kernels of a project: every TypeScript file below kernels/, lowered and simplified. The list
 * is the folder's; no kernel is named here.
 */

import { openFrontend } from "../frontend/mod.ts";
import type { Diagnostic, LoweredFile } from "../frontend/mod.ts";
import { simplify } from "../ir/passes/mod.ts";
import { sha256 } from "../core/hash.ts";
import { docComment } from "./doc_comment.ts";
import type { KernelSource } from "./types.ts";

/** The kernels of a project, or what is wrong with them. */
export interface Sources {
  /** Sorted by path. */
  readonly sources: readonly KernelSource[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Every kernel file below `kernels/` of the project at `root`, sorted, project-relative. */
export function kernelFiles(root: string): string[] {
  const files: string[] = [];
  const walk = (folder: string) => {
    for (const entry of Deno.readDirSync(`${root}/${folder}`)) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory) walk(path);
      else if (/\.ts$/.test(path) && !/(_test|\/mod|\/_\w+)\.ts$/.test(path)) files.push(path);
    }
  };
  walk("kernels");
  return files.sort();
}

/** Lowers the kernels of the project at `root`. */
export async function loadSources(root: string): Promise<Sources> {
  const { lowered, diagnostics } = await openFrontend(root).lowerAll(kernelFiles(root));
  return { sources: await Promise.all(lowered.map((f) => sourceOf(f, root))), diagnostics };
}

async function sourceOf(lowered: LoweredFile, root: string): Promise<KernelSource> {
  const { file, files, definition, funcs } = lowered;
  const simple = Object.entries(funcs).map(([path, func]) => [path, simplify(func)] as const);
  const texts = files.map((path) => Deno.readTextFileSync(`${root}/${path}`));
  const authored = await Promise.all(
    files.map(async (path, i) => ({ file: path, sha256: await sha256(texts[i]!) })),
  );
  const doc = docComment(texts[0]!);
  return Object.freeze({ definition, funcs: Object.fromEntries(simple), file, authored, doc });
}
