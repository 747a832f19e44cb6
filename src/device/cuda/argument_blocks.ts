/**
 * Argument structs at addresses that never change, each with the list by which the driver finds it: graphs
 * read them when they are made, launches each time.
 */

import { PACKED_ARGUMENTS_WORDS, packedArguments, stableBytes } from "./structs.ts";

/** One struct. */
export interface ArgumentBlock {
  readonly view: DataView<ArrayBuffer>;
  /** What the driver takes as `extra`, and where it lies. */
  readonly extra: Uint8Array<ArrayBuffer>;
  readonly extraAddress: bigint;
}

/** The size that the list names, and the list. */
const LIST_BYTES = 8 * (1 + PACKED_ARGUMENTS_WORDS);

/** Structs of so many bytes each, multiples of 8, zeroed. */
export function argumentBlocks(
  sizes: readonly number[],
  addressOf: (bytes: Uint8Array<ArrayBuffer>) => bigint,
): ArgumentBlock[] {
  const bytes = stableBytes(sizes.reduce((sum, size) => sum + size + LIST_BYTES, 0));
  const base = addressOf(bytes);
  let at = 0;
  return sizes.map((size) => {
    const [start, sizeAt] = [at, at + size];
    at += size + LIST_BYTES;
    const addresses = { buffer: base + BigInt(start), size: base + BigInt(sizeAt) };
    new BigUint64Array(bytes.buffer, sizeAt, 1 + PACKED_ARGUMENTS_WORDS)
      .set([BigInt(size), ...packedArguments(addresses)]);
    return {
      view: new DataView(bytes.buffer, start, size),
      extra: bytes.subarray(sizeAt + 8, at),
      extraAddress: base + BigInt(sizeAt + 8),
    };
  });
}
