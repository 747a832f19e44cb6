/**
 * Strips of a matrix product's outputs: how wide they are, and the arguments of the entry points around a
 * library's product of one (templates/cuda/matmul_strips.njk), which follow the kernel's own.
 */

import { PACK_ROWS } from "../../core/packing.ts";

/** One strip. */
export interface Strip {
  /** Where its rows of the weight go, f32 [rowsPerOutput · (n rounded up to {@linkcode PACK_ROWS}), nIn]. */
  readonly weights: bigint;
  /** Where its sums are: f32 [nRows, n], of two rows per output as wide as those rows. */
  readonly sums: bigint;
  /** Its first output, a multiple of {@linkcode PACK_ROWS}. */
  readonly first: number;
  readonly n: number;
}

/** Bytes of a strip's arguments. */
export const STRIP_BYTES = 24;

/** Writes a strip's arguments behind the kernel's own. */
export function writeStrip(view: DataView, at: number, { weights, sums, first, n }: Strip): void {
  view.setBigUint64(at, weights, true);
  view.setBigUint64(at + 8, sums, true);
  view.setUint32(at + 16, first, true);
  view.setUint32(at + 20, n, true);
}

/**
 * Outputs of a strip whose weights and sums fit in so many bytes: a multiple of {@linkcode PACK_ROWS}; 0
 * where not even that many fit.
 *
 * @example
 * ```ts
 * import { stripWidth } from "./strip.ts";
 * if (stripWidth({ nIn: 576, nRows: 512, rowsPerOutput: 1 }, 64 << 20) !== 15408) throw new Error();
 * ```
 */
export function stripWidth(
  { nIn, nRows, rowsPerOutput }: {
    readonly nIn: number;
    readonly nRows: number;
    readonly rowsPerOutput: number;
  },
  bytes: number,
): number {
  return Math.floor(bytes / (4 * PACK_ROWS * rowsPerOutput * (nIn + nRows))) * PACK_ROWS;
}
