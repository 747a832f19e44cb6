/**
 * How many bytes a stream's rows take, counted from what is stored: elements or codes, f16 scales and
 * minima, one mask of ⌈headDim/8⌉ bytes per (layer, KV head) that stores a channel list (two where its
 * channels are of two classes), one per row where each row has its own, an f16 for each channel that is
 * missing somewhere and reads as its mean, four bytes each of position and sum where rows carry them. Pages that are
 * allocated but not filled are counted in offset.ts.
 */

import { ARENA_UNIT } from "./types.ts";
import type { Code, Layout, Segment, Stream } from "./types.ts";

/** The stored channels of one segment of one head. */
export interface StoredChannels {
  readonly width: number;
  /** How many of them are of the first class, where the segment's code has two; absent: all. */
  readonly high?: number;
}

/** Both counts in one word, as kernels read them: those of the first class from bit 16 up, where there are two. */
export const channelsWord = ({ width, high = 0 }: StoredChannels): number => width | high << 16;

/** Rows and stored channels of one segment of one head. */
export interface SegmentSize extends StoredChannels {
  readonly rows: number;
}

/** A scale and a minimum, f16 each. */
const AFFINE_PAIR_BYTES = 4;

const ceilDiv = (n: number, per: number) => Math.ceil(n / per);

/** Bytes of one set of channels: a bit each. */
export function maskBytes(headDim: number): number {
  return ceilDiv(headDim, 8);
}

/** Whether the stored channels of a segment are in two classes: then it has a list of its own. */
export const hasChannelClasses = ({ code }: Pick<Segment, "code">): boolean =>
  code.kind === "affine" && code.low !== undefined;

/** Bits of one element, of the first class where there are two; scales and minima not counted. */
export function codeBits(code: Code): number {
  return code.kind === "f32" ? 32 : code.kind === "f16" ? 16 : code.bits;
}

/**
 * Bytes of `rows` rows of `width` channels in a code, scales included. Rows whose scales are shared
 * come in whole groups, so a started group counts as a whole.
 */
export function codeBytes(code: Code, { rows, width, high = width }: SegmentSize): number {
  const bits = codeBits(code);
  if (code.kind !== "affine") return rows * width * bits / 8;
  if (code.along === "channels") {
    return rows * (width * bits / 8 + ceilDiv(width, code.group) * AFFINE_PAIR_BYTES);
  }
  const groups = ceilDiv(rows, code.group);
  const rowBits = high * bits + (width - high) * (code.low ?? bits);
  return groups * (code.group * rowBits / 8 + width * AFFINE_PAIR_BYTES);
}

/** Bytes of one row of a segment, its bitmap included; scales shared along rows count in proportion. */
export function rowBytes(segment: Segment, stored: StoredChannels, headDim: number): number {
  const { code } = segment;
  const mask = segment.channels === "bitmap" ? maskBytes(headDim) : 0;
  const rows = code.kind === "affine" && code.along === "rows" ? code.group : 1;
  return codeBytes(code, { ...stored, rows }) / rows + mask;
}

/** Rows that are stored together: the tile, or the group whose scales are shared when that is larger. */
export function unitRows(segment: Segment): number {
  const { code, tile } = segment;
  return code.kind === "affine" && code.along === "rows" ? Math.max(code.group, tile) : tile;
}

/** Bytes of one unit of rows ({@linkcode unitRows}), the smallest piece that is allocated. */
export function tileBytes(segment: Segment, stored: StoredChannels, headDim: number): number {
  return unitRows(segment) * rowBytes(segment, stored, headDim);
}

/**
 * Bytes of a head's stream as THINK.md counts them: occupied rows only, masks once per list.
 *
 * @param sizes one entry per segment, in order
 * @throws {RangeError} there are not as many sizes as segments
 *
 * @example
 * ```ts
 * import { fullSegment, listSegment, storedBytes } from "./mod.ts";
 * const keys = { segments: [listSegment("f16", 16), fullSegment("f16", 16)] };
 * const sizes = [{ rows: 992, width: 32 }, { rows: 32, width: 64 }];
 * if (storedBytes(keys, sizes, 64) !== 2 * (992 * 32 + 32 * 64) + 8) throw new Error("wrong");
 * ```
 */
export function storedBytes(
  stream: Stream,
  sizes: readonly SegmentSize[],
  headDim: number,
): number {
  if (sizes.length !== stream.segments.length) {
    throw new RangeError(
      `Cannot count a stream of ${stream.segments.length} segments: got ${sizes.length} sizes`,
    );
  }
  const rows = stream.segments.reduce((bytes, { code, channels }, i) => {
    const size = sizes[i]!;
    const masks = channels === "bitmap" ? size.rows * maskBytes(headDim) : 0;
    return bytes + codeBytes(code, size) + masks;
  }, 0);
  const listed = stream.segments.map((_, i) => i)
    .filter((i) => stream.segments[i]!.channels !== "all" && sizes[i]!.rows > 0);
  // Segments of a stream share one list, and what its channels read as, unless these are in classes.
  const lists = listed.filter((i, n) => n === 0 || hasChannelClasses(stream.segments[i]!));
  return lists.reduce((sum, i) => sum + listBytes(stream.segments[i]!, sizes[i]!, headDim), rows);
}

/** What a head takes beside its rows: which channels are stored, in which class, what the others read as. */
function listBytes(
  { fill, code, channels }: Segment,
  { width }: SegmentSize,
  headDim: number,
): number {
  // Sets lie with their rows, and each row lacks others; rows that store nothing need no list.
  if (channels !== "list") return fill === "mean" ? 2 * headDim : 0;
  const classes = hasChannelClasses({ code }) ? 2 : 1;
  return classes * maskBytes(headDim) + (fill === "mean" ? 2 * (headDim - width) : 0);
}

/** Bytes of what `rows` rows carry beside their elements: a position, i32, and a running sum, f32. */
export function storedSideBytes(
  { rowPositions, rowSums }: Pick<Layout, "rowPositions" | "rowSums">,
  rows: number,
): number {
  return 4 * rows * (Number(rowPositions) + Number(rowSums));
}

/** Bytes rounded up to whole units of the arena. */
export function arenaBytes(bytes: number): number {
  return ceilDiv(bytes, ARENA_UNIT) * ARENA_UNIT;
}
