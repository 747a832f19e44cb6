/**
 * Layouts from what a user asked for: cache types and a pruning variant. The list of segments follows
 * from the variant's steps alone; nothing here knows a variant's name.
 */

import { KerfError } from "../core/error.ts";
import { checkLayout } from "./check.ts";
import type { Code, Layout, Segment } from "./types.ts";

/** What the cache stores elements as: `-ctk` and `-ctv`. */
export type CacheType = "f16" | "f32";

/** The types of both streams. */
export interface CacheTypes {
  readonly key: CacheType;
  readonly value: CacheType;
}

/** Physical order per stream. */
export interface StreamTiles {
  readonly key: Segment["tile"];
  readonly value: Segment["tile"];
}

/**
 * Keys 16 rows at a time and channel-major: sixteen logits sit in the lanes of a vector and a pruned
 * channel is one multiply-add less. Values row-major: their channels are the lanes.
 */
export const DEFAULT_TILES: StreamTiles = Object.freeze({ key: 16, value: 1 });

/** A stream's older rows are coded: which, how, and when rows of the last segment join them. */
export interface CodesRule {
  readonly kind: "codes";
  readonly of: "key" | "value";
  readonly code: Extract<Code, { readonly kind: "affine" }>;
  /** Of the rows that score low; null: they store nothing; absent: all rows are alike. */
  readonly low?: Extract<Code, { readonly kind: "affine" }> | null;
  readonly flush: NonNullable<Segment["flush"]>;
}

/** As much of a pruning variant as a layout depends on. */
export interface LayoutSteps {
  readonly name: string;
  readonly steps: readonly (
    | {
      readonly kind: "channels";
      readonly of: "key" | "value";
      /** `row`: each row keeps channels of its own; else those of a head keep the same. */
      readonly per?: "head" | "row";
      /** When rows of the last segment lose channels while decoding; absent or null: never. */
      readonly flush?: Segment["flush"];
    }
    | { readonly kind: "basis"; readonly of: "key" | "value" }
    | {
      readonly kind: "tokens";
      readonly positions?: unknown;
      readonly statistics?: readonly { readonly name: string }[];
    }
    | CodesRule
  )[];
  /** What keys are rotated by; absent: as the steps say without parameters. */
  readonly positions?: Layout["positions"];
  /** The author's own layout, in place of the one that the steps imply. */
  readonly layout?: (types: CacheTypes, tiles: StreamTiles) => Layout;
}

const plain = (type: CacheType): Code => Object.freeze({ kind: type });

const segment = (
  channels: Segment["channels"],
  type: CacheType,
  tile: Segment["tile"],
): Segment =>
  Object.freeze({
    channels,
    fill: "zero",
    basis: "identity",
    code: plain(type),
    tile,
    flush: null,
  });

/** A segment that stores every channel. */
export const fullSegment = (type: CacheType, tile: Segment["tile"]): Segment =>
  segment("all", type, tile);

/** The segment of coded rows; `channels` as the stream's steps have it. */
const codedSegment = (
  code: CodesRule["code"],
  channels: Segment["channels"],
  tile: Segment["tile"],
): Segment => {
  const coded = { ...segment(channels, "f16", tile), code };
  // Two classes of channels leave a third one without bits.
  return Object.freeze(
    code.low === undefined ? coded : { ...coded, channels: "list", fill: "mean" },
  );
};

/** A segment that stores the channels of a list per (layer, KV head). */
export const listSegment = (type: CacheType, tile: Segment["tile"]): Segment =>
  segment("list", type, tile);

/**
 * The segment of rows that each store channels of their own, with a bit for every channel in front; f16
 * whatever the stream's type is. What a row lacks reads as the channel's mean.
 */
const SET_SEGMENT: Segment = Object.freeze({
  ...segment("bitmap", "f16", 1),
  fill: "mean",
});

/** The segment of rows of which nothing is stored, whatever the stream's type is: they read as their mean. */
const EMPTY_SEGMENT: Segment = Object.freeze({ ...segment("none", "f16", 1), fill: "mean" });

/** The layout without pruning: one full segment per stream. */
export function denseLayout(types: CacheTypes, tiles: StreamTiles = DEFAULT_TILES): Layout {
  return layoutOf(null, types, tiles);
}

/**
 * The layout a variant's steps make. New rows go to a full segment, the last of its stream. A channels step
 * puts the pruned rows in a segment with a channel list before it, or with a set of channels per row, a codes
 * step the coded rows; where a stream has a list and codes, the pruned rows are the coded rows. Where bits go by row, both streams have a segment for
 * each class of rows. A basis step turns every segment of its stream. A tokens step gives every row its
 * position.
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
