/**
 * Rows of activations as 8-bit codes, one block at a time: what kernels that store codes must give to the
 * byte, given the same values; and the sums beside them, of which norms' scales are made.
 */

import {
  blockSumPlace,
  blockSumsOf,
  Q8_BLOCK_BYTES,
  Q8_INPUTS,
  Q8_WORD_INPUTS,
  q8RowBytes,
} from "../core/quantized_row.ts";
import { roundHalfEven } from "../ir/value.ts";

/** Rows as codes. */
export interface QuantizedRows {
  /** i16 [nRows, width]: of 8 bits outside wide words. */
  readonly codes: Int16Array;
  /** f32 [nRows, width / 32]: powers of two, NaN where an input is above 127 · 2^95. */
  readonly scales: Float32Array;
  /** u8 [nRows, width / 32]: of every block the word that holds its largest input, of equal ones the first. */
  readonly wide: Uint8Array;
}

/** The nearest codes of f32 rows, ties to even; a width that is a multiple of 32. A block with NaN has that scale. */
export function quantizeRows(values: Float32Array): QuantizedRows {
  const codes = new Int16Array(values.length);
  const scales = new Float32Array(values.length / Q8_INPUTS);
  const wide = new Uint8Array(scales.length);
  scales.forEach((_, b) => {
    const block = values.subarray(b * Q8_INPUTS, (b + 1) * Q8_INPUTS);
    const words = Array.from({ length: Q8_INPUTS / Q8_WORD_INPUTS }, (_, w) => {
      const word = block.subarray(w * Q8_WORD_INPUTS, (w + 1) * Q8_WORD_INPUTS);
      return word.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    });
    const largest = Math.max(...words);
    wide[b] = words.findIndex((size) => Object.is(size, largest));
    // A wide code is at most 127 · 256.
    const top = Math.max(largest / 256, ...words.filter((_, w) => w !== wide[b]));
    const scale = Math.max(2 ** -101, 2 ** Math.ceil(Math.log2(top / 127)));
    scales[b] = scale > 2 ** 95 ? NaN : scale;
    block.forEach((x, j) => codes[b * Q8_INPUTS + j] = roundHalfEven(x / scale));
  });
  return { codes, scales, wide };
}

/** The bytes of such rows (src/core/quantized_row.ts). */
export function quantizedBytes({ codes, scales, wide }: QuantizedRows): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(q8RowBytes(codes.length));
  const view = new DataView(bytes.buffer);
  scales.forEach((scale, b) => {
    const at = b * Q8_BLOCK_BYTES;
    const block = codes.subarray(b * Q8_INPUTS, (b + 1) * Q8_INPUTS);
    const sum = (from: number, to: number) => block.subarray(from, to).reduce((a, c) => a + c, 0);
    [1.5 * 2 ** 23, 1.5 * 2 ** 31, sum(0, 32), sum(0, 16), sum(16, 32)]
      .forEach((value, i) => view.setFloat32(at + 4 * i, value * scale, true));
    view.setUint32(at + 20, wide[b]!, true);
    // The low byte of a code is signed: what it lacks is in the high one.
    for (let i = 0; i < Q8_WORD_INPUTS; i++) {
      view.setInt8(at + 24 + i, block[Q8_WORD_INPUTS * wide[b]! + i]! + 128 >> 8);
    }
    block.forEach((code, j) => view.setInt8(at + 28 + j, code));
  });
  return bytes;
}

/** The values that the codes stand for. */
export function dequantizeRows({ codes, scales }: QuantizedRows): Float64Array {
  return Float64Array.from(codes, (code, i) => code * scales[Math.floor(i / Q8_INPUTS)]!);
}

/**
 * What rows of `width` elements leave beside their codes where `summed` are f32 that its elements add to their
 * row's sum: a sum for each block, in the kernels' order; NaN where no row is.
 */
export function blockSums(summed: Float32Array, width: number): Float32Array<ArrayBuffer> {
  const nRows = summed.length / width;
  const sums = new Float32Array(blockSumsOf(nRows, width)).fill(NaN);
  for (let at = 0; at < summed.length; at += Q8_INPUTS) {
    const lanes = summed.slice(at, at + Q8_INPUTS);
    // Halves meet lane by lane, then lanes in a tree.
    for (let half = Q8_INPUTS / 2; half >= 1; half /= 2) {
      for (let lane = 0; lane < half; lane++) lanes[lane] = lanes[lane]! + lanes[lane + half]!;
    }
    const [row, block] = [Math.floor(at / width), at % width / Q8_INPUTS];
    sums[blockSumPlace(row, block, width)] = lanes[0]!;
  }
  return sums;
}

/** The sums of whole rows, f32 [nRows]: their blocks' in ascending order. */
export function rowSums(
  sums: Float32Array,
  { nRows, width }: { readonly nRows: number; readonly width: number },
): Float32Array<ArrayBuffer> {
  const total = new Float32Array(nRows);
  for (let block = 0; block < width / Q8_INPUTS; block++) {
    for (let row = 0; row < nRows; row++) total[row]! += sums[blockSumPlace(row, block, width)]!;
  }
  return total;
}
