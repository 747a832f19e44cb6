/** From a case to a problem: random rows and queries in a cache of the case's layout. */

import type { Attention } from "../dsl/attention.ts";
import type { KernelSource } from "../emit/types.ts";
import { layoutOf } from "../layout/make.ts";
import { layoutName } from "../layout/name.ts";
import type { Layout } from "../layout/types.ts";
import { qkvStride } from "./attention.ts";
import type { AttentionProblem } from "./attention.ts";
import { keptOf, N_KV_HEADS, widthsOf } from "./cases.ts";
import type { AttentionCase } from "./cases.ts";
import { valuesOf } from "./hooks.ts";
import { randomChannels, randomFrom, randomRows } from "./numbers.ts";
import { AT, writeCache } from "./written_cache.ts";
import type { HeadRows } from "./written_cache.ts";

/** The layout of a case's cache. */
export const caseLayout = ({ cut, types }: AttentionCase): Layout =>
  layoutOf(cut?.pruning ?? null, types);

const prunesChannels = ({ key }: Layout): boolean =>
  key.segments.some(({ channels }) => channels === "list");

/** Positions of what is left of `cached` rows, spread over them, and of the rows behind. */
const evictedPositions = (
  rows: number,
  { old, cached }: { readonly old: number; readonly cached: number },
): number[] =>
  Array.from(
    { length: rows },
    (_, row) => row < old ? Math.floor((row + 0.5) * cached / old) : cached + row - old,
  );

/** The position of the newest row. */
const lastPosition = ([head]: readonly HeadRows[]): number =>
  head!.positions?.at(-1) ?? head!.keys.length - 1;

/** The problem of a case. @param seed another one gives other numbers */
export function attentionProblem(
  source: KernelSource,
  given: AttentionCase,
  seed: number,
): AttentionProblem {
  const { types, shape, cached, nQuery, numbers, cut, ahead } = given;
  const { group, headDim } = shape;
  const random = randomFrom(seed);
  const widths = cut ? widthsOf(cut.kept, headDim) : [];
  const layout = caseLayout(given);
  const heads = Array.from({ length: N_KV_HEADS }, (_, kvHead): HeadRows => {
    const old = layout.rowPositions ? keptOf(cut!.kept, cached, kvHead) : cached;
    const rows = old + nQuery;
    return {
      keys: randomRows(rows, random, { headDim, numbers, type: types.key }),
      values: randomRows(rows, random, { headDim, numbers: "plain", type: types.value }),
      // Two thirds are pruned: over a chunk's end in the longest case, none in the shortest.
      nListed: prunesChannels(layout) ? Math.floor(old * 2 / 3) : 0,
      channels: cut ? randomChannels(widths[kvHead]!, headDim, random) : [],
      ...(layout.rowPositions ? { positions: evictedPositions(rows, { old, cached }) } : {}),
    };
  });
  const nHeads = group * N_KV_HEADS;
  const dims = { nLayers: AT.nLayers, nHeads, nKvHeads: N_KV_HEADS, headDim, nCtx: 4096 };
  return {
    ...{ source, shape, nQuery, heads },
    position: lastPosition(heads) + 1 - nQuery + ahead,
    values: valuesOf(source.definition as Attention, { params: given.params, dims }),
    qkv: Float32Array.from({ length: nQuery * qkvStride(shape) }, () => 2 * random()),
    cache: writeCache(layoutName(layout), heads, { headDim, nNew: nQuery }),
  };
}
