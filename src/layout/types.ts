/**
 * The layout algebra: how the rows of a KV cache are stored. A stream (keys or values) is an ordered list
 * of segments; a segment says which channels it stores, in what basis, as what code, in what physical
 * order. The list is fixed when a plan is made; row counts and widths are run-time numbers per head.
 */

/** What a row's element is stored as. */
export type Code =
  | { readonly kind: "f32" }
  | { readonly kind: "f16" }
  | {
    readonly kind: "affine";
    readonly bits: 2 | 4 | 8;
    /**
     * Bits of the second class of channels, where the stored ones have two; absent: one class. A head's list
     * has the first class before the second.
     */
    readonly low?: 2 | 4;
    /** Scales are shared along this axis, `group` values each. */
    readonly along: "rows" | "channels";
    readonly group: number;
  };

/** One segment of a stream. */
export interface Segment {
  /**
   * `all`; `list`: a channel list per (layer, KV head); `bitmap`: a set of channels per row; `none`: rows that
   * store nothing and read as their fill.
   */
  readonly channels: "all" | "list" | "bitmap" | "none";
  /** What a missing channel reads as. */
  readonly fill: "zero" | "mean";
  readonly basis: "identity" | "orthogonal";
  readonly code: Code;
  /** 1: row-major. 16 or 32: channel-major inside a tile of that many rows. */
  readonly tile: 1 | 16 | 32;
  /**
   * When `atRows` rows are here, the oldest `rows` move to the previous segment; null: never. At the end of a
   * prefill whole units of `unit` rows do, of `rows` where it is absent, and atRows − rows stay as well.
   */
  readonly flush: {
    readonly atRows: number;
    readonly rows: number;
    readonly unit?: number;
  } | null;
}

/** The ordered segments of keys or of values, oldest rows first. */
export interface Stream {
  readonly segments: readonly Segment[];
}

/** Whether a layout has codes, of either stream. */
export const hasCodes = ({ key, value }: Pick<Layout, "key" | "value">): boolean =>
  [...key.segments, ...value.segments].some(({ code }) => code.kind === "affine");

/**
 * Whether attention of 8-bit activations has kernels of its own for a layout: its codes meet bytes, its halves bf16.
 * What is stored as f32 is read as such.
 */
export const meetsRounded = ({ key, value }: Pick<Layout, "key" | "value">): boolean =>
  [...key.segments, ...value.segments].some(({ code }) => code.kind !== "f32");

/** Whether a stream is stored in another basis than the model's own channels: its last segment decides. */
export const isTurned = ({ segments }: Stream): boolean => segments.at(-1)?.basis === "orthogonal";

/** A cache layout. */
export interface Layout {
  readonly key: Stream;
  readonly value: Stream;
  /** `true`: keys are rotated at their own position. `cache`: rotated on read at their place. */
  readonly positions: "true" | "cache";
  /** Whether rows are evicted, so that each carries its position: i32, at the head of its page of values. */
  readonly rowPositions: boolean;
  /** Whether each row carries a running sum too: f32, behind the positions of its page of values. */
  readonly rowSums: boolean;
}

/** What rows of a stream carry at the head of their pages, 4 bytes each: true positions, then running sums. */
export interface RowSides {
  readonly positions: boolean;
  readonly sums: boolean;
}

/** What rows of a stream of a layout carry: values have one row per token, whatever keys' segments are. */
export const rowSides = (
  { rowPositions, rowSums }: Pick<Layout, "rowPositions" | "rowSums">,
  stream: "key" | "value",
): RowSides => ({
  positions: stream === "value" && rowPositions,
  sums: stream === "value" && rowSums,
});

/** Rows of one page, a multiple of every tile. A segment's last page may be cut. */
export const PAGE_ROWS = 128;

/** Rows of one work chunk of attention and of a column reduction: partial results are cut here. */
export const CHUNK_ROWS = 256;

/** Bytes of one unit of the arena: block-table entries count these. */
export const ARENA_UNIT = 64;
