/**
 * The GGUF storage types that Kerf reads: their number in the file, how many values a block holds and
 * how many bytes it takes. How the bytes become values is declared in kernels/storage/, one file each.
 *
 * Source: the GGUF specification and ggml's type list (github.com/ggml-org/ggml, docs/gguf.md).
 */

/** A storage type's name, in the field's spelling. */
export type StorageName =
  | "F32"
  | "F16"
  | "BF16"
  | "Q8_0"
  | "Q4_0"
  | "Q4_1"
  | "Q5_0"
  | "Q5_1"
  | "Q4_K"
  | "Q5_K"
  | "Q6_K";

/** One storage type: `blockValues` values along a row take `blockBytes` bytes. */
export interface StorageType {
  readonly name: StorageName;
  readonly ggmlType: number;
  readonly blockValues: number;
  readonly blockBytes: number;
}

const type = (name: StorageName, ggmlType: number, blockValues: number, blockBytes: number) =>
  Object.freeze({ name, ggmlType, blockValues, blockBytes });

/** Every storage type Kerf reads, by name. */
export const STORAGE: Readonly<Record<StorageName, StorageType>> = Object.freeze({
  F32: type("F32", 0, 1, 4),
  F16: type("F16", 1, 1, 2),
  BF16: type("BF16", 30, 1, 2),
  Q8_0: type("Q8_0", 8, 32, 34),
  Q4_0: type("Q4_0", 2, 32, 18),
  Q4_1: type("Q4_1", 3, 32, 20),
  Q5_0: type("Q5_0", 6, 32, 22),
  Q5_1: type("Q5_1", 7, 32, 24),
  Q4_K: type("Q4_K", 12, 256, 144),
  Q5_K: type("Q5_K", 13, 256, 176),
  Q6_K: type("Q6_K", 14, 256, 210),
});

/** The storage type with GGUF's number, or undefined when Kerf does not read it. */
export function storageOfGgmlType(ggmlType: number): StorageType | undefined {
  return Object.values(STORAGE).find((s) => s.ggmlType === ggmlType);
}
