/** From a case to a problem: random rows and queries in a cache of the case's layout. */

import type { Attention } from "../dsl/attention.ts";
import type { KernelSource } from "../emit/types.ts";
import { compressedUnit } from "../layout/becomes_whole.ts";
import { layoutOf } from "../layout/make.ts";
import { layoutName } from "../layout/name.ts";
import { classRows, classUnit } from "../layout/row_classes.ts";
import type { Layout, Stream } from "../layout/types.ts";
import { qkvStride } from "./attention.ts";
import type { AttentionProblem } from "./attention.ts";
import { STREAMS } from "./cache_state.ts";
import { headRows } from "./state_rows.ts";
import type { CompressedRows, HeadSizes, StreamName } from "./cache_state.ts";
import type { SeenRows } from "./state_rows.ts";
import { N_KV_HEADS } from "./cases.ts";
import { caseWidths, keptOf } from "./case_choices.ts";
import type { AttentionCase } from "./cases.ts";
import { valuesOf } from "./hooks.ts";
import { randomChannels, randomFrom, randomRows } from "./numbers.ts";
import { AT, writeCache } from "./written_cache.ts";
import type { HeadRows } from "./head_rows.ts";

/** The layout of a case's cache. */
export const caseLayout = ({ cut, types }: AttentionCase): Layout =>
  layoutOf(cut?.pruning ?? null, types);

/**
 * Of `old` rows those that lie in each compressed segment of a stream: whole units of two thirds of them, over
 * a chunk's end in the longest case, and of those a third in the first of two classes.
 */
export function compressedRows(layout: Layout, of: StreamName, old: number): readonly number[] {
  const units = STREAMS.map((stream) => layout[stream].segments)
    .filter((segments) => segments.length > 1)
    .map(([first]) => compressedUnit(first!));
  const unit = Math.max(1, ...units);
  const rows = Math.floor(old * 2 / 3 / unit) * unit;
  const classes = classRows({ share: 1 / 3, unit: classUnit(layout) }, rows);
  return [[], [rows], classes][layout[of].segments.length - 1]!;
}

/** What a stream's compressed rows store of a head: a list in its order, else every channel. */
function storedChannels(
  { segments }: Stream,
  { width, headDim, random }: {
    readonly width: number;
    readonly headDim: number;
    readonly random: () => number;
  },
): Omit<CompressedRows, "compressed"> {
  // Rows with channels of their own have as many each.
  if (segments[0]!.channels === "bitmap") return { channels: [...Array(width).keys()] };
  const listed = segments.find(({ channels }) => channels === "list");
  if (!listed) {
    const nothing = segments[1]?.channels === "none" ? { second: { channels: [] } } : {};
    return { channels: Array.from({ length: headDim }, (_, c) => c), ...nothing };
  }
  const channels = randomChannels(width, headDim, random);
  if (listed.code.kind !== "affine" || listed.code.low === undefined) return { channels };
  // Those of the first class come first, each class ascending.
  const isHigh = (_: number, i: number) => i % 2 === 1;
  const classed = (channels: readonly number[]) => {
    const [high, low] = [channels.filter(isHigh), channels.filter((c, i) => !isHigh(c, i))];
    return { channels: [...high, ...low], high: high.length };
  };
  if (segments.length < 3) return classed(channels);
  const fewer = randomChannels(Math.ceil(width / 2), headDim, random);
  return { ...classed(channels), second: classed(fewer) };
}

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
const lastPosition = ([head]: readonly SeenRows[]): number =>
  head!.positions?.at(-1) ?? head!.keys.length - 1;

/** A problem and its heads as they were written. */
export interface WrittenProblem extends AttentionProblem {
  readonly written: readonly HeadRows[];
}

/** The problem of a case. @param seed another one gives other numbers */
export function attentionProblem(
  source: KernelSource,
  given: AttentionCase,
  seed: number,
): WrittenProblem {
  const { types, shape, cached, nQuery, numbers, cut, ahead } = given;
  const { group, headDim } = shape;
  const random = randomFrom(seed);
  const layout = caseLayout(given);
  const widths = caseWidths(layout, cut?.kept ?? "all", headDim);
  const written = Array.from({ length: N_KV_HEADS }, (_, kvHead) => {
    const old = layout.rowPositions ? keptOf(cut!.kept, cached, kvHead) : cached;
    const rows = old + nQuery;
    const compressed = {
      key: compressedRows(layout, "key", old),
      value: compressedRows(layout, "value", old),
    };
    const nOld = (of: StreamName) => compressed[of].reduce((a, b) => a + b, 0);
    const nCoded = Math.max(nOld("key"), nOld("value"));
    const head: HeadRows = {
      keys: randomRows(rows, random, { headDim, numbers, type: types.key }),
      values: randomRows(rows, random, { headDim, numbers: "plain", type: types.value }),
      ...{ nListed: nCoded, nCoded, nFirst: compressed.value[0] ?? 0, channels: [] },
      ...(layout.rowPositions ? { positions: evictedPositions(rows, { old, cached }) } : {}),
    };
    const [key, value] = STREAMS.map((of): CompressedRows => ({
      ...storedChannels(layout[of], { width: widths[of][kvHead]!, headDim, random }),
      compressed: compressed[of],
    })) as [CompressedRows, CompressedRows];
    const { channels, high, second } = key;
    const isSet = layout.key.segments[0]!.channels === "bitmap";
    const sets = Array.from(
      { length: isSet ? nCoded : 0 },
      () => randomChannels(channels.length, headDim, random),
    );
    const fills = Array.from({ length: headDim }, () => Math.f16round(random()));
    const lists = {
      channels,
      valueChannels: value.channels,
      ...(high === undefined ? {} : { high }),
      ...(second ? { second } : {}),
    };
    return {
      head: { ...head, ...lists, ...(isSet ? { sets, fills } : {}) },
      sizes: { rows, key, value } satisfies HeadSizes,
    };
  });
  const cache = writeCache(layoutName(layout), written.map(({ head }) => head), {
    headDim,
    nNew: nQuery,
  });
  const sizes = written.map(({ sizes }) => sizes);
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
    written: written.map(({ head }) => head),
  };
}
