/**
 * `inspect kernel NAME`: a kernel's outside and source on a target, for the model and the cache that the
 * flags choose; for CUDA also what ptxas makes of it.
 */

import { KerfError } from "../../core/error.ts";
import type { Manifest, Target } from "../../core/manifest.ts";
import { nearest } from "../../core/nearest.ts";
import { kernelTexts } from "../../engine/kernel_texts.ts";
import { parseSpec } from "../../engine/spec.ts";
import { layoutName } from "../../layout/name.ts";
import type { ParsedArgs } from "../args.ts";
import { ROOT } from "../root.ts";
import { writeOut } from "../terminal.ts";
import { cubinReport, reportLines } from "./cubin.ts";
import { designCache, readHeader } from "./header.ts";
import { kernelFacts } from "./kernel_facts.ts";
import { kernelsMeant } from "./kernel_names.ts";

/** The target of a device, for those who ask by `--device`. */
const TARGET_OF: Readonly<Record<string, Target>> = { cpu: "c", cuda: "cuda", webgpu: "wgsl" };

/** No kernel or several: what to type instead. */
function notOne(
  word: string,
  found: readonly string[],
  { names, target }: { readonly names: readonly string[]; readonly target: Target },
): KerfError {
  const near = nearest(word, names);
  const flag = target === "c" ? "" : ` --target ${target}`;
  const none = near
    ? `did you mean ${near}?`
    : ["deno task inspect kernel lists them", "deno task gen adds those of a new variant"];
  return new KerfError(
    found.length === 0
      ? `No kernel has "${word}" in its name`
      : `"${word}" means ${found.length} kernels`,
    {
      hint: found.length === 0
        ? none
        : found.map((name) => `deno task inspect kernel ${name}${flag}`),
      exitCode: 2,
    },
  );
}

export async function inspect({ values, positionals }: ParsedArgs): Promise<number> {
  const target = (values.target ?? TARGET_OF[String(values.device)] ?? "c") as Target;
  const manifest: Manifest = JSON.parse(Deno.readTextFileSync(`${ROOT}/generated/manifest.json`));
  const names = Object.keys(manifest.kernels).filter((n) => manifest.kernels[n]!.sources[target]);
  const [word] = positionals;
  if (word === undefined) {
    writeOut(names.join("\n") + "\n");
    return 0;
  }
  const header = await readHeader(values);
  const { layout, prune } = await designCache(header, values);
  const found = kernelsMeant(word, names, {
    layout: layoutName(layout),
    attention: String(values.attention ?? "causal").split(":")[0]!,
    prune: parseSpec(prune.spec).map(({ name }) => name),
  });
  if (found.length !== 1) throw notOne(word, found, { names, target });
  const [kernel] = await kernelTexts(found, { target });
  const { entry, text } = kernel!;
  const { headDim, nHeads, nKvHeads } = header.config;
  const sizes: Record<string, number> = { HEAD_DIM: headDim, GROUP: nHeads / nKvHeads };
  const defines = Object.fromEntries(entry.signature.defines.map((name) => [name, sizes[name]!]));
  const report = target === "cuda" ? await cubinReport(entry, { text, defines }) : undefined;
  if (values.json) {
    const { arches = null } = report ?? {};
    writeOut(JSON.stringify({ entry, target, defines, ptxas: arches, text }) + "\n");
    return 0;
  }
  const isGenerated = names.includes(entry.signature.name);
  const facts = kernelFacts(entry, { target, text, defines, isGenerated });
  writeOut([...facts, ...(report ? reportLines(report) : []), "", text].join("\n"));
  return 0;
}
