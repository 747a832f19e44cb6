/**
 * Element types of buffers, and their sizes in bytes. Quantised weight formats are not element types:
 * see storage.ts.
 */

/** The type of one element of a buffer that kernels read or write. */
export type DType = "f32" | "f16" | "bf16" | "i32" | "u32" | "u16" | "u8" | "i8";

/** Bytes of one element. */
export const DTYPE_BYTES: Readonly<Record<DType, number>> = Object.freeze({
  f32: 4,
  f16: 2,
  bf16: 2,
  i32: 4,
  u32: 4,
  u16: 2,
  u8: 1,
  i8: 1,
});
