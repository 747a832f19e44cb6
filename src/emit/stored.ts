/** What the kernels of today read and write: segments in the order that a stream's loops are made for. */

import { KerfError } from "../core/error.ts";
import { codeName, segmentName } from "../layout/name.ts";
import type { Segment } from "../layout/types.ts";

/**
 * The element type of a segment that kernels can read.
 *
 * @param kernel the kernel's name, for the message
 * @throws {KerfError} the segment is coded, fills channels, has sets per row, stores nothing or has another tile
 */
export function checkStored(
  kernel: string,
  segment: Segment,
  options: { readonly tile: Segment["tile"] },
): "f16" | "f32" {
  const { code, fill, channels, tile } = segment;
  const plain = code.kind !== "affine" && fill === "zero";
  const stores = channels === "all" || channels === "list";
  if (code.kind === "affine" || !plain || !stores || tile !== options.tile) {
    throw new KerfError(
      `Cannot emit "${kernel}": it reads f16 or f32 in tiles of ${options.tile}, and a segment is ` +
        segmentName(segment),
      { hint: `use a segment such as f16t${options.tile} or list_f16t${options.tile}` },
    );
  }
  return code.kind;
}

/** A code as templates read it. */
export interface StoredCode {
  /** Which template writes its loops. */
  readonly kind: "plain" | "sets" | "affine" | "classes" | "row_scales" | "none";
  /** `f16`, `sets`, `none` or `q4r32`: tells functions of several codes apart. */
  readonly name: string;
  /** What shares a scale, how many of it, and the bits of a code; empty where elements are plain. */
  readonly along: "rows" | "channels" | "";
  readonly bits: string;
  /** Bits of the second class of channels; empty where there is one class. */
  readonly low: string;
  readonly group: string;
}

/** @throws {KerfError} no kernel reads it */
function storedSets(kernel: string, segment: Segment): StoredCode {
  if (segmentName(segment) === "bitmap_mean_f16t1") {
    return { kind: "sets", name: "sets", along: "", bits: "", low: "", group: "" };
  }
  throw new KerfError(
    `Cannot emit "${kernel}": rows that have channels of their own are f16, row after row, and lack what ` +
      `reads as a mean, and a segment is ${segmentName(segment)}`,
    { hint: "use a segment such as bitmap_mean_f16t1" },
  );
}

/** Values of which nothing is stored. */
const NOTHING: StoredCode = Object.freeze({
  ...{ kind: "none", name: "none", along: "", bits: "", low: "", group: "" },
});

/** Whether a code's elements are whole numbers that share scales. */
export const isCode = ({ bits }: StoredCode): boolean => bits !== "";

/** Which template makes codes of rows, and rows of codes. */
export const codingOf = ({ kind, along }: StoredCode): string => {
  if (kind === "classes") return "channel_classes";
  return kind === "row_scales" ? kind : `along_${along}`;
};

/**
 * The code of a segment that kernels can read: plain as {@linkcode checkStored} has it, keys with channels of
 * their own, values of which nothing is stored, or codes whose groups are whole vectors of the lanes that read them,
 * keys' along either and values' along channels.
 *
 * @throws {KerfError} no kernel reads it
 */
export function storedCode(
  kernel: string,
  segment: Segment,
  stream: "key" | "value",
): StoredCode {
  const tile = stream === "key" ? 16 : 1;
  const { code } = segment;
  if (segment.channels === "bitmap" && stream === "key") return storedSets(kernel, segment);
  if (segment.channels === "none" && stream === "value") return NOTHING;
  if (code.kind !== "affine") {
    const name = checkStored(kernel, segment, { tile });
    return { kind: "plain", name, along: "", bits: "", low: "", group: "" };
  }
  const { fill, channels } = segment;
  const hasClasses = code.low !== undefined;
  const plain = channels !== "bitmap" && (fill === "mean") === hasClasses;
  const { bits, low, along, group } = code;
  const byRow = along === "channels";
  const isRead = stream === "value" ? byRow : !(byRow && hasClasses);
  if (!plain || segment.tile !== tile || !isRead || group % 16 !== 0) {
    const axis = stream === "value" ? "channels" : "rows";
    const axes = stream === "value" || hasClasses ? axis : "rows or channels";
    throw new KerfError(
      `Cannot emit "${kernel}": codes of ${stream}s lie in tiles of ${tile} and share scales along ` +
        `${axes}, 16 or a multiple of it, and a segment is ${segmentName(segment)}`,
      { hint: `use codes({ of: "${stream}", along: "${axis}", group: 32, … })` },
    );
  }
  return {
    kind: hasClasses ? "classes" : byRow && stream === "key" ? "row_scales" : "affine",
    name: codeName(code),
    ...{ along, bits: String(bits), low: String(low ?? ""), group: String(group) },
  };
}

/** The codes of a stream, each once. */
export const distinctCodes = (codes: readonly StoredCode[]): StoredCode[] => [
  ...new Map(codes.map((code) => [code.name, code])).values(),
];
