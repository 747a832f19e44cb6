/**
 * Reads the kernels of a project: every TypeScript file below kernels/, lowered and simplified. The list
 * is the folder's; no kernel is named here.
 */

import { openFrontend } from "../frontend/mod.ts";
import type { Diagnostic, LoweredFile } from "../frontend/mod.ts";
import { simplify } from "../ir/passes/mod.ts";
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
  return { sources: lowered.map((file) => sourceOf(file, root)), diagnostics };
}

function sourceOf({ file, definition, funcs }: LoweredFile, root: string): KernelSource {
  const simple = Object.entries(funcs).map(([path, func]) => [path, simplify(func)] as const);
  const doc = docComment(Deno.readTextFileSync(`${root}/${file}`));
  return Object.freeze({ definition, funcs: Object.fromEntries(simple), file, doc });
}
