/** A kernel's outside as text: where it is from, what it binds, how it is cut into work. */

import type { KernelEntry, Target } from "../../core/manifest.ts";
import { gridText } from "./grid.ts";

/** What a grid counts, per target. */
const ITEM: Readonly<Record<Target, string>> = {
  c: "work items",
  cuda: "blocks",
  wgsl: "work groups",
};

/** What a work group shares in WGSL, as the source has it; of CUDA ptxas knows the bytes. */
const SHARED = /^var<workgroup> (.*);/gm;

/**
 * One line per fact.
 *
 * @param defines values of the signature's defines for the model at hand
 */
export function kernelFacts(
  { signature, sources, authored }: KernelEntry,
  { target, text, defines, isGenerated }: {
    readonly target: Target;
    /** Else a run renders it, and there is no file. */
    readonly isGenerated: boolean;
    readonly text: string;
    readonly defines: Readonly<Record<string, number>>;
  },
): string[] {
  const { file, template, grid, workgroup } = sources[target]!;
  const threads = workgroup === undefined ? "" : ` of ${workgroup} threads`;
  return [
    signature.name,
    `  source    ${isGenerated ? file : "not in generated/: rendered when a run needs it"}`,
    `  from      ${authored.map((author) => author.file).join(", ")}`,
    `  template  ${template}`,
    ...signature.bindings.map(({ access, dtype, name, shape }) =>
      `  ${access.padEnd(9)} ${dtype} ${name} [${shape.join(", ")}]`
    ),
    ...signature.constants.map(({ dtype, name, doc }) =>
      `  constant  ${dtype} ${name}${doc ? `: ${doc}` : ""}`
    ),
    ...Object.entries(defines).map(([name, value]) => `  define    ${name} = ${value}`),
    `  grid      ${gridText(grid)} ${ITEM[target]}${threads}`,
    ...[...text.matchAll(SHARED)].map(([, declaration]) => `  shared    ${declaration}`),
  ];
}
