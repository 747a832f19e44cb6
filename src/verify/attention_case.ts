/** From a case to a problem: random rows and queries in a cache of the case's layout. */

import type { Attention } from "../dsl/attention.ts";
import type { KernelSource } from "../emit/types.ts";
import { unitRows } from "../layout/bytes.ts";
import { layoutOf } from "../layout/make.ts";
import { layoutName } from "../layout/name.ts";
import type { Layout } from "../layout/types.ts";
import { qkvStride } from "./attention.ts";
import type { AttentionProblem } from "./attention.ts";
import { headRows } from "./cache_state.ts";
import type { HeadSizes } from "./cache_state.ts";
import { keptOf, N_KV_HEADS, widthsOf } from "./cases.ts";
import type { AttentionCase } from "./cases.ts";
import { valuesOf } from "./hooks.ts";
import { randomChannels, randomFrom, randomRows } from "./numbers.ts";
import { AT, writeCache } from "./written_cache.ts";
import type { HeadRows } from "./written_cache.ts";

/** The layout of a case's cache. */
export const caseLayout = ({ cut, types }: AttentionCase): Layout =>
  layoutOf(cut?.pruning ?? null, types);

/** Rows of `old` that are compressed: whole units of two thirds, over a chunk's end in the longest case. */
function compressedOf({ key, value }: Layout, old: number): number {
  const units = [key, value].filter(({ segments }) => segments.length > 1)
    .map(({ segments: [first] }) => first!.code.kind === "affine" ? unitRows(first!) : 1);
  if (units.length === 0) return 0;
  const unit = Math.max(...units);
  return Math.floor(old * 2 / 3 / unit) * unit;
}

const listsChannels = ({ key }: Layout): boolean =>
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
  const written = Array.from({ length: N_KV_HEADS }, (_, kvHead): HeadRows => {
    const old = layout.rowPositions ? keptOf(cut!.kept, cached, kvHead) : cached;
    const rows = old + nQuery;
    const compressed = compressedOf(layout, old);
    return {
      keys: randomRows(rows, random, { headDim, numbers, type: types.key }),
      values: randomRows(rows, random, { headDim, numbers: "plain", type: types.value }),
      ...{ nListed: compressed, nCoded: compressed },
      channels: listsChannels(layout)
        ? randomChannels(widths[kvHead]!, headDim, random)
        : Array.from({ length: headDim }, (_, c) => c),
      ...(layout.rowPositions ? { positions: evictedPositions(rows, { old, cached }) } : {}),
    };
  });
  const cache = writeCache(layoutName(layout), written, { headDim, nNew: nQuery });
  const isCut = ({ segments }: Layout["key"]) => segments.length > 1;
  const sizes = written.map(({ keys, nListed: compressed, channels }): HeadSizes => ({
    ...{ rows: keys.length, channels },
    listed: isCut(layout.key) ? compressed : 0,
    coded: isCut(layout.value) ? compressed : 0,
  }));
  const heads = written.map((_, kvHead) =>
    headRows({ cache, heads: sizes, nTokens: 0, headDim }, kvHead)
  );
  const nHeads = group * N_KV_HEADS;
  const dims = { nLayers: AT.nLayers, nHeads, nKvHeads: N_KV_HEADS, headDim, nCtx: 4096 };
  return {
    ...{ source, shape, nQuery, heads },
    position: lastPosition(heads) + 1 - nQuery + ahead,
    values: valuesOf(source.definition as Attention, { params: given.params, dims }),
    qkv: Float32Array.from({ length: nQuery * qkvStride(shape) }, () => 2 * random()),
    cache,
  };
}
