/**
 * Rows of activations as 8-bit codes, which products of whole numbers read: how many bytes they take. Every
 * 32 inputs are a block (`struct kerf_q8`): 1.5 · 2^23 · scale f32 · 1.5 · 2^31 · scale f32 · scale · sum of
 * the codes f32 · the same of the first and the second sixteen f32 · wide u32 · high bytes i8 [4] · codes
 * i8 [32]. An input is about scale · code.
 *
 * A few activations are far larger than those beside them, and a scale that suits them leaves the others
 * few codes. So the four neighbours of which one is a block's largest input, its wide word (inputs 4 · wide
 * to 4 · wide + 3), have codes of 16 bits, 256 · high byte + low byte, and the others choose the scale. Scales are powers of two: kernels sum whole numbers in the bits of an f32 that is
 * 1.5 · 2^23 scales, and so have them multiplied.
 */

/** Inputs of a row that share a scale: a row's width is a multiple of this. */
export const Q8_INPUTS = 32;

/** Inputs of a word: those that one integer dot product takes at once. */
export const Q8_WORD_INPUTS = 4;

/** Bytes of a block of {@linkcode Q8_INPUTS} inputs. */
export const Q8_BLOCK_BYTES = 60;

/** Bytes of a row of `width` inputs. */
export const q8RowBytes = (width: number): number => width / Q8_INPUTS * Q8_BLOCK_BYTES;

/** Rows whose sums over one block lie side by side. */
const SUM_ROWS = 16;

/**
 * Sums, f32, beside `nRows` rows of `width` inputs of which a norm's scales are made: one for each block, as
 * [⌈nRows / 16⌉, width / 32, 16].
 */
export const blockSumsOf = (nRows: number, width: number): number =>
  Math.ceil(nRows / SUM_ROWS) * SUM_ROWS * (width / Q8_INPUTS);

/** Where the sum of a row's block lies among them. */
export const blockSumPlace = (row: number, block: number, width: number): number =>
  (Math.floor(row / SUM_ROWS) * (width / Q8_INPUTS) + block) * SUM_ROWS + row % SUM_ROWS;
