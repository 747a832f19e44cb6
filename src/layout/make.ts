/**
 * Layouts from what a user asked for: cache types and a pruning variant. The list of segments follows
 * from the variant's steps alone; nothing here knows a variant's name.
 */

import { KerfError } from "../core/error.ts";
import { checkLayout } from "./check.ts";
import type { CacheType, CacheTypes, CodesRule, LayoutSteps, StreamTiles } from "./steps.ts";
import { codedSegment, EMPTY_SEGMENT, fullSegment, listSegment, SET_SEGMENT } from "./segments.ts";
import type { Layout, Segment } from "./types.ts";

/**
 * Keys 16 rows at a time and channel-major: sixteen logits sit in the lanes of a vector and a pruned
 * channel is one multiply-add less. Values row-major: their channels are the lanes.
 */
export const DEFAULT_TILES: StreamTiles = Object.freeze({ key: 16, value: 1 });

/** The layout without pruning: one full segment per stream. */
export function denseLayout(types: CacheTypes, tiles: StreamTiles = DEFAULT_TILES): Layout {
  return layoutOf(null, types, tiles);
}

/**
 * The layout a variant's steps make. New rows go to a full segment, the last of its stream. A channels step
 * puts the pruned rows in a segment with a channel list before it, or with a set of channels per row, a codes
 * step the coded rows; where a stream has a list and codes, the pruned rows are the coded rows. Where bits go
 * by row, both streams have a segment for each class of rows. A basis step turns every segment of its stream.
 * A tokens step gives every row its position.
 *
 * @param variant null: no pruning
 * @throws {KerfError} two steps cut the same axis, or the variant's own layout breaks a rule
 *
 * @example
 * ```ts
 * import { layoutName, layoutOf } from "./mod.ts";
 * const think = { name: "think", steps: [{ kind: "channels", of: "key" }] } as const;
 * const layout = layoutOf(think, { key: "f16", value: "f16" });
 * if (layoutName(layout) !== "k_list_f16t16_f16t16_v_f16t1") throw new Error("wrong");
 * ```
 */
export function layoutOf(
  variant: LayoutSteps | null,
  types: CacheTypes,
  tiles: StreamTiles = DEFAULT_TILES,
): Layout {
  if (variant?.layout !== undefined) {
    return checkOwnLayout(variant, variant.layout(types, tiles));
  }
  const steps = variant?.steps ?? [];
  if (variant) checkRowClasses(variant);
  const stream = (of: "key" | "value") => ({
    segments: streamSegments(steps, { of, type: types[of], tile: tiles[of] }),
  });
  return checkLayout({
    key: stream("key"),
    value: stream("value"),
    positions: positionsOf(variant),
    rowPositions: evicts(steps),
    rowSums: sums(steps),
  }, variant?.name);
}

/** Where parameters decide, their defaults are what is generated beforehand: true positions. */
function positionsOf(variant: LayoutSteps | null): Layout["positions"] {
  const isCache = variant?.steps.some((s) => s.kind === "tokens" && s.positions === "cache");
  return variant?.positions ?? (isCache ? "cache" : "true");
}

/** Compressed rows first: listed, coded, or both at once. */
function streamSegments(
  steps: LayoutSteps["steps"],
  { of, type, tile }: {
    readonly of: "key" | "value";
    readonly type: CacheType;
    readonly tile: Segment["tile"];
  },
): Segment[] {
  const lists = steps.filter((step) => step.kind === "channels").filter((step) => step.of === of);
  const rules = steps.filter((step) => step.kind === "codes").filter((step) => step.of === of);
  const [rule] = rules;
  const coded = (channels: Segment["channels"], { code, low }: CodesRule) =>
    // Keys are coded alike in both classes.
    (splitsRows(steps) ? [code, low === undefined ? code : low] : [code]).map((own) =>
      own === null ? EMPTY_SEGMENT : codedSegment(own, channels, tile)
    );
  const compressed = lists.length > 0
    ? lists.flatMap(({ per }) =>
      per === "row" ? SET_SEGMENT : rule ? coded("list", rule) : listSegment(type, tile)
    )
    : rules.flatMap((one) => coded("all", one));
  const full = fullSegment(type, tile);
  const flush = rule?.flush ?? lists[0]?.flush ?? null;
  const segments = [...compressed, flush ? Object.freeze({ ...full, flush }) : full];
  const turns = steps.some((step) => step.kind === "basis" && step.of === of);
  return turns ? segments.map((s) => Object.freeze({ ...s, basis: "orthogonal" })) : segments;
}

const rulesOf = (steps: LayoutSteps["steps"]) => steps.filter((step) => step.kind === "codes");

const splitsRows = (steps: LayoutSteps["steps"]) =>
  rulesOf(steps).some(({ low }) => low !== undefined);

/** @throws {KerfError} exit code 2: rows are in classes, and keys are not coded with them */
function checkRowClasses({ name, steps }: LayoutSteps): void {
  if (!splitsRows(steps)) return;
  const flushes = ["key", "value"].map((stream) =>
    rulesOf(steps).find(({ of }) => of === stream)?.flush
  );
  const [key, value] = flushes;
  const same = ["rows", "atRows", "unit"] as const;
  if (key && same.every((field) => key[field] === value![field])) return;
  throw new KerfError(
    `Cannot code values of "${name}" by row: keys stand in the rows' order, and ` +
      (key ? "other rows of them are coded" : "they are not coded"),
    {
      hint: 'give codes({ of: "key", … }) the same `residual`, `unit`, `every` and `keep`',
      exitCode: 2,
    },
  );
}

const evicts = (steps: LayoutSteps["steps"]) => steps.some(({ kind }) => kind === "tokens");

const sums = (steps: LayoutSteps["steps"]) =>
  steps.some((s) => s.kind === "tokens" && s.statistics?.some(({ name }) => name === "columnSums"));

/** A variant's own layout, which must have a place for what its steps keep. */
function checkOwnLayout({ name, steps }: LayoutSteps, layout: Layout): Layout {
  for (const stream of ["key", "value"] as const) {
    const lists = layout[stream].segments.filter((s) => s.channels !== "all").length;
    const wanted = steps.filter((step) => step.kind === "channels" && step.of === stream).length;
    if (lists === wanted) continue;
    throw new KerfError(
      `Cannot lay out the ${stream} stream of "${name}": it has ${lists} segments with a channel ` +
        `list, its steps make ${wanted}`,
      {
        hint: `begin \`${stream}\` with segment({ channels: "list", … }), one per channels() step`,
      },
    );
  }
  return checkLayout({ ...layout, rowPositions: evicts(steps), rowSums: sums(steps) }, name);
}
