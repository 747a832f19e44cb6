/**
 * What a pruning variant's kernels do to a cache, in the order of a run: append the prompt, remember its
 * last queries, score the channels, select, move the rows; then a step over the compressed cache. Every
 * kernel is held to the reference on what the one before it left, so that errors do not add up.
 */

import type { Pruning } from "../dsl/pruning.ts";
import { layoutOf } from "../layout/make.ts";
import { layoutName } from "../layout/name.ts";
import { append } from "./append_stage.ts";
import { attentionAnswer, attentionUses, measureAttention } from "./attention.ts";
import type { AttentionProblem } from "./attention.ts";
import { rowOf, withSizes } from "./cache_state.ts";
import type { PruningCase } from "./cases.ts";
import type { Measurement } from "./compare.ts";
import type { KernelUse, RunNamed } from "./kernels.ts";
import { moveNames, moveRows, sizesOf } from "./move_stage.ts";
import type { PruningProblem, PruningSources } from "./pruning_case.ts";
import { recordQueries, scoreChannels } from "./score_stage.ts";
import { selectChannels } from "./select_stage.ts";
import { writeCache } from "./written_cache.ts";
import type { HeadRows, WrittenCache } from "./written_cache.ts";

/** The kernels that a case runs. */
export function pruningUses(
  sources: PruningSources,
  { types, shape }: PruningCase,
): KernelUse[] {
  const layout = layoutOf(sources.variant.definition as Pruning, types);
  const defines = { HEAD_DIM: shape.headDim, GROUP: shape.group };
  const name = layoutName(layout);
  const names = [
    ...[`append__${name}`, "record_queries", "select_channels", ...moveNames(layout)],
    `channel_scores_${sources.variant.definition.name}__${name}`,
  ];
  return [
    ...names.map((kernel) => ({ name: kernel, defines })),
    ...attentionUses(sources.attention.definition.name, layout, shape),
  ];
}

/** Runs a problem on a device. */
export async function measurePruning(p: PruningProblem, run: RunNamed): Promise<Measurement[]> {
  const { headDim } = p.shape;
  const nothing = p.widths.map((width): HeadRows => ({
    ...{ keys: [], values: [], nListed: 0 },
    channels: Array.from({ length: width }, (_, c) => c),
  }));
  const empty = writeCache(layoutName(p.layout), nothing, {
    headDim,
    spare: Math.ceil((p.nPrompt + p.nQuery) / 128) + 1,
  });
  const none = p.widths.map((_, head) => sizesOf({ ...p, nPrompt: 0 }, head, 0));
  const prompt = await append(p, withSizes(empty, none, p.nPrompt), {
    rows: { position: 0, n: p.nPrompt, sizes: none },
    run,
  });
  const whole = p.widths.map((_, head) => sizesOf(p, head, 0));
  const full = withSizes(prompt.cache, whole, 0);
  const { qkv } = prompt;
  const recorded = await recordQueries(p, qkv, run);
  const scores = await scoreChannels(p, full, { qkv, ring: recorded.ring, run });
  const chosen = await selectChannels(p, scores, run);
  const moved = await moveRows(p, full, { channels: chosen.buffer, kept: chosen.kept, run });
  const step = await stepAfter(p, moved.cache, { kept: chosen.kept, run });
  return [prompt, recorded, scores, chosen, moved].flatMap(({ measurements }) => measurements)
    .concat(step);
}

/** The next step's rows: appended to the compressed cache, then attended over. */
async function stepAfter(
  p: PruningProblem,
  cache: WrittenCache,
  { kept, run }: { readonly kept: readonly (readonly number[])[]; readonly run: RunNamed },
): Promise<Measurement[]> {
  const sizes = p.widths.map((_, head) => sizesOf(p, head, p.moved));
  const rows = { position: p.nPrompt, n: p.nQuery, sizes };
  const next = await append(p, withSizes(cache, sizes, p.nQuery), { rows, run });
  const problem: AttentionProblem = {
    source: p.sources.attention,
    values: p.attentionValues,
    ...{ shape: p.shape, nQuery: p.nQuery, ahead: 0, qkv: next.qkv, cache: next.cache },
    heads: kept.map((channels, kvHead) => headRows(p, next.cache, { kvHead, channels })),
  };
  const attention = await measureAttention(problem, attentionAnswer(problem), run);
  return [...next.measurements, ...attention];
}

/** A head's rows as the cache now holds them; what the list dropped is zero. */
function headRows(
  p: PruningProblem,
  cache: WrittenCache,
  { kvHead, channels }: { readonly kvHead: number; readonly channels: readonly number[] },
): HeadRows {
  const { headDim } = p.shape;
  const { segments } = p.layout.key;
  const listed = segments.findIndex((segment) => segment.channels === "list");
  const keyRow = (row: number): Float32Array => {
    if (row >= p.moved) {
      const at = { kvHead, index: segments.length - 1, row: row - p.moved, width: headDim };
      return Float32Array.from(rowOf(cache, at));
    }
    const key = new Float32Array(headDim);
    rowOf(cache, { kvHead, index: listed, row, width: channels.length })
      .forEach((x, i) => key[channels[i]!] = x);
    return key;
  };
  const index = segments.length + p.layout.value.segments.length - 1;
  const n = p.nPrompt + p.nQuery;
  return {
    keys: Array.from({ length: n }, (_, row) => keyRow(row)),
    values: Array.from(
      { length: n },
      (_, row) => Float32Array.from(rowOf(cache, { kvHead, index, row, width: headDim })),
    ),
    nListed: p.moved,
    channels,
  };
}
