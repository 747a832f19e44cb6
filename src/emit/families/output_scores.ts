/** Scores of value channels: of what attention makes of them for the last queries, whatever the cache's layout. */

import type { Signature } from "../../core/signature.ts";
import { stepOf } from "../../dsl/steps.ts";
import type { Pruning } from "../../dsl/pruning.ts";
import { paramConstants } from "../params.ts";
import { PER_HEAD, readOnly, u32, written } from "../signature_parts.ts";
import type { EmitTarget } from "../target.ts";
import type { EmitRequest, KernelSource, KernelUnit } from "../types.ts";
import { kernelName } from "../types.ts";
import { channelScoreContext, tableBindings } from "./channel_score_hook.ts";
import type { ChannelScoresContext } from "./channel_scores.ts";

/** What templates/<target>/output_scores.* read. */
export type OutputScoresContext = Omit<
  ChannelScoresContext,
  | "page_rows"
  | "chunk_rows"
  | "arena_unit"
  | "head_fields"
  | "rows_field"
  | "key_code"
  | "key_reductions"
  | "counts_keys"
>;

/** The kernel of such a score, with its outside. */
export function outputScores(
  source: KernelSource,
  request: EmitRequest,
  target: EmitTarget,
): KernelUnit {
  const definition = source.definition as Pruning;
  const { read, context: { key_reductions: _, counts_keys: __, ...own } } = channelScoreContext(
    source,
    target,
  );
  const context: OutputScoresContext = {
    ...own,
    group: stepOf(definition, "channels")!.step.group,
  };
  return {
    signature: outputSignature(kernelName(request), definition, read),
    doc: [...source.doc, "Scores of every value channel of one layer's KV heads; higher keeps."],
    from: [source.file],
    template: "output_scores",
    context: { ...context },
    grid: [{ of: { constant: "n_kv_heads" } }],
  };
}

/** The outside of a score of outputs, as ARCHITECTURE.md's table has it. */
function outputSignature(name: string, definition: Pruning, read: ReadonlySet<string>): Signature {
  const params = Object.entries(definition.params).filter(([name]) => read.has(name));
  return {
    name,
    bindings: [
      readOnly("outputs", "f32", "nHeads", "n_window", "headDim"),
      ...tableBindings(definition, read),
      written("scores", "f32", ...PER_HEAD, "headDim"),
    ],
    constants: [
      u32("slot"),
      u32("layer"),
      u32("n_layers"),
      u32("n_kv_heads"),
      u32("n_window", "queries of the window"),
      ...paramConstants(Object.fromEntries(params)),
    ],
    defines: ["HEAD_DIM", "GROUP"],
  };
}
