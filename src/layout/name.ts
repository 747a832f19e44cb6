/**
 * Names of layouts: what kernels carry behind `__`, and back. A name says everything that changes a
 * kernel's text (channels, fill, basis, code, tile, what rows carry) and nothing that does not (row counts,
 * widths, when rows are flushed), so one compiled kernel serves every ratio.
 *
 *     segment: [list_ | bitmap_ | none_] [mean_] [basis_] (f32 | f16 | q<bits>[<low>]<r|c><group>) t<tile>
 *     layout:  k_<segment>…_v_<segment>… [_cached] [_evicted] [_summed]
 *     move:    <segment>__<segment> [_positions] [_sums], without their basis: rows move as they are
 */

import { KerfError } from "../core/error.ts";
import { isTurned } from "./types.ts";
import type { Code, Layout, RowSides, Segment, Stream } from "./types.ts";

/**
 * A code's part of a segment's name: `f16`; `q4r32` for 4 bits with scales shared by 32 rows; `q42r64` for
 * channels of 4 and channels of 2 bits.
 */
export function codeName(code: Code): string {
  if (code.kind !== "affine") return code.kind;
  return `q${code.bits}${code.low ?? ""}${code.along[0]}${code.group}`;
}

/**
 * A segment's name.
 *
 * @example
 * ```ts
 * import { fullSegment, segmentName } from "./mod.ts";
 * if (segmentName(fullSegment("f16", 16)) !== "f16t16") throw new Error("wrong");
 * ```
 */
export function segmentName(segment: Segment): string {
  const channels = segment.channels === "all" ? "" : `${segment.channels}_`;
  const fill = segment.fill === "mean" ? "mean_" : "";
  const basis = segment.basis === "orthogonal" ? "basis_" : "";
  return `${channels}${fill}${basis}${codeName(segment.code)}t${segment.tile}`;
}

/** A layout's name: `k_list_f16t16_f16t16_v_f16t1`. */
export function layoutName(layout: Layout): string {
  const stream = (s: Stream) => s.segments.map(segmentName).join("_");
  const cached = layout.positions === "cache" ? "_cached" : "";
  const evicted = layout.rowPositions ? "_evicted" : "";
  const summed = layout.rowSums ? "_summed" : "";
  return `k_${stream(layout.key)}_v_${stream(layout.value)}${cached}${evicted}${summed}`;
}

/** The kernel that joins partial softmaxes over a layout's values: turned back, left for sums where rows have them. */
export const mergeKernel = ({ value, rowSums }: Pick<Layout, "value" | "rowSums">): string =>
  `attention_merge${isTurned(value) ? "_turned" : ""}${rowSums ? "_recording" : ""}`;

const SEGMENT =
  /^(?:(list|bitmap|none)_)?(mean_)?(basis_)?(?:(f32|f16)|q([248])([24])?([rc])(\d+))t(1|16|32)(?:_|$)/;

/** The segments at the start of `text`, and what follows them. */
function readSegments(text: string): { segments: Segment[]; rest: string } {
  const segments: Segment[] = [];
  let rest = text;
  for (let m = SEGMENT.exec(rest); m !== null; m = SEGMENT.exec(rest)) {
    const [all, channels, mean, basis, plain, bits, low, along, group, tile] = m;
    segments.push({
      channels: (channels ?? "all") as Segment["channels"],
      fill: mean ? "mean" : "zero",
      basis: basis ? "orthogonal" : "identity",
      code: plain ? { kind: plain as "f32" | "f16" } : {
        kind: "affine",
        bits: Number(bits) as 2 | 4 | 8,
        ...(low ? { low: Number(low) as 2 | 4 } : {}),
        along: along === "r" ? "rows" : "channels",
        group: Number(group),
      },
      tile: Number(tile) as Segment["tile"],
      flush: null,
    });
    rest = rest.slice(all.length);
  }
  return { segments, rest };
}

/**
 * One segment from its name. Its flush rule is not in the name and reads as "never".
 *
 * @throws {KerfError} the text names no segment
 */
export function parseSegmentName(name: string): Segment {
  const { segments, rest } = readSegments(name);
  if (segments.length !== 1 || rest !== "") throw unreadable(name, "segment", "list_f16t16");
  return segments[0]!;
}

/**
 * The layout a name stands for, without flush rules.
 *
 * @throws {KerfError} the text names no layout
 */
export function parseLayoutName(name: string): Layout {
  const example = "k_list_f16t16_f16t16_v_f16t1";
  if (!name.startsWith("k_")) throw unreadable(name, "layout", example);
  const key = readSegments(name.slice(2));
  if (!key.rest.startsWith("v_")) throw unreadable(name, "layout", example);
  const value = readSegments(key.rest.slice(2));
  const suffix = /^(cached)?_?(evicted)?_?(summed)?$/.exec(value.rest);
  const layout: Layout = {
    key: { segments: key.segments },
    value: { segments: value.segments },
    positions: suffix?.[1] ? "cache" : "true",
    rowPositions: suffix?.[2] !== undefined,
    rowSums: suffix?.[3] !== undefined,
  };
  if (suffix === null || layoutName(layout) !== name) throw unreadable(name, "layout", example);
  return layout;
}

/** Rows on their way from one segment of a stream to another. */
export interface SegmentMove {
  readonly from: Segment;
  readonly to: Segment;
  /** What rows carry, which moves along. */
  readonly sides: RowSides;
}

/**
 * A move's name.
 *
 * @example
 * ```ts
 * import { fullSegment, moveName, parseSegmentName } from "./mod.ts";
 * const sides = { positions: true, sums: false };
 * const move = { from: fullSegment("f16", 1), to: parseSegmentName("q4c32t1"), sides };
 * if (moveName(move) !== "f16t1__q4c32t1_positions") throw new Error("wrong");
 * ```
 */
export function moveName({ from, to, sides }: SegmentMove): string {
  const own = (segment: Segment) => segmentName({ ...segment, basis: "identity" });
  const carried = (sides.positions ? POSITIONS : "") + (sides.sums ? SUMS : "");
  return `${own(from)}__${own(to)}${carried}`;
}

/**
 * The move a name stands for.
 *
 * @throws {KerfError} the text names no move
 */
export function parseMoveName(name: string): SegmentMove {
  const sums = name.endsWith(SUMS);
  const unsummed = sums ? name.slice(0, -SUMS.length) : name;
  const positions = unsummed.endsWith(POSITIONS);
  const segments = positions ? unsummed.slice(0, -POSITIONS.length) : unsummed;
  const [from, to] = segments.split("__");
  if (from === undefined || to === undefined) {
    throw unreadable(name, "move", "f16t16__list_f16t16");
  }
  return { from: parseSegmentName(from), to: parseSegmentName(to), sides: { positions, sums } };
}

const POSITIONS = "_positions";
const SUMS = "_sums";

function unreadable(name: string, what: string, example: string): KerfError {
  return new KerfError(`Cannot read "${name}" as the name of a ${what}`, {
    hint: `a ${what}'s name looks like ${example}`,
  });
}
