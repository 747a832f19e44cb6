/**
 * Rows of activations as 8-bit codes, which products of whole numbers read: how many bytes they take. Every
 * 32 inputs are a block (`struct kerf_q8`): scale f32 · sum of the codes f32 · sums of the first and the
 * second sixteen f32 · codes i8 [32]. An input is about scale · code.
 */

/** Inputs of a row that share a scale: a row's width is a multiple of this. */
export const Q8_INPUTS = 32;

/** Bytes of a block of {@linkcode Q8_INPUTS} inputs. */
export const Q8_BLOCK_BYTES = 48;

/** Bytes of a row of `width` inputs. */
export const q8RowBytes = (width: number): number => width / Q8_INPUTS * Q8_BLOCK_BYTES;
