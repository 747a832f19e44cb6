/**
 * Affine codes by their definition: a group's scale is (largest − smallest) / (2^bits − 1), its minimum the
 * smallest, f16 both; a code is the nearest with the stored two, halves to even, and 0 where the scale is.
 * Differences and quotients are rounded to f32 as kernels round them, since what is nearest turns on the
 * last bit.
 */

import { roundHalfEven } from "../ir/value.ts";
import type { Code } from "../layout/types.ts";

/** Affine codes. */
export type AffineCode = Extract<Code, { readonly kind: "affine" }>;

/** A group of codes and what they share. */
export interface CodedGroup {
  readonly scale: number;
  readonly minimum: number;
  readonly codes: readonly number[];
}

/**
 * Codes the values of a group.
 *
 * Source: arXiv:2402.02750, section 3.1; f16 scales and minima as its kernels store them.
 *
 * @example
 * ```ts
 * import { encodeGroup } from "./mod.ts";
 * const { scale, minimum, codes } = encodeGroup([1, 2, 4], 2);
 * if (scale !== 1 || minimum !== 1 || codes.join() !== "0,1,3") throw new Error("wrong");
 * ```
 */
export function encodeGroup(values: ArrayLike<number>, bits: number): CodedGroup {
  const most = 2 ** bits - 1;
  const all = Array.from(values);
  const [smallest, largest] = [Math.min(...all), Math.max(...all)];
  const scale = Math.f16round(Math.fround(Math.fround(largest - smallest) / most));
  const minimum = Math.f16round(smallest);
  const codeOf = (x: number) => {
    const steps = roundHalfEven(Math.fround(Math.fround(x - minimum) / scale));
    return Math.max(0, Math.min(most, steps));
  };
  return { scale, minimum, codes: all.map((x) => scale > 0 ? codeOf(x) : 0) };
}

/** A coded element: what its code stands for is scale · code + minimum. */
export interface CodedElement {
  readonly scale: number;
  readonly minimum: number;
  readonly code: number;
}

/**
 * Codes rows of equal width: along rows every `group` rows of a channel share a scale, along channels every
 * `group` channels of a row; the last group may be short.
 *
 * @param high channels of the first class, where the code has two; absent: all
 * @returns [row][channel]
 */
export function codeRowsReference(
  rows: readonly ArrayLike<number>[],
  { bits, low, along, group }: AffineCode,
  high = Infinity,
): CodedElement[][] {
  const width = rows[0]?.length ?? 0;
  const out = rows.map((): CodedElement[] => new Array(width));
  const [outer, inner] = along === "rows" ? [width, rows.length] : [rows.length, width];
  for (let o = 0; o < outer; o++) {
    for (let first = 0; first < inner; first += group) {
      const end = Math.min(inner, first + group);
      const places = Array.from(
        { length: end - first },
        (_, i): readonly [number, number] => along === "rows" ? [first + i, o] : [o, first + i],
      );
      const { scale, minimum, codes } = encodeGroup(
        places.map(([r, c]) => rows[r]![c]!),
        along === "channels" || o < high ? bits : low ?? bits,
      );
      places.forEach(([r, c], i) => out[r]![c] = { scale, minimum, code: codes[i]! });
    }
  }
  return out;
}

/** What a coded element reads as. */
export const decoded = ({ scale, minimum, code }: CodedElement): number => scale * code + minimum;
