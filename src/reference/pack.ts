/**
 * Packing a tensor as its file holds it, one value at a time through the storage type's functions: what
 * a pack kernel must give to the byte.
 */

import { PACKINGS } from "../core/packing.ts";
import { STORAGE } from "../core/storage.ts";
import type { Storage } from "../dsl/storage.ts";
import type { HookRunner } from "./hooks.ts";
import { packCodes, packValues } from "./packed.ts";

/** A tensor of blocks. */
export interface StoredTensor {
  readonly nOut: number;
  readonly nIn: number;
  /** 0: rows as in the file; else heads of interleaved pairs are put in half-split order. */
  readonly headDim: number;
  readonly blocks: Uint8Array<ArrayBuffer>;
  /** Runners of `code` and, where the storage has them, `scale` and `offset`. */
  readonly hooks: Readonly<Record<string, HookRunner>>;
}

/** The packed bytes. */
export function packReference(storage: Storage, tensor: StoredTensor): Uint8Array<ArrayBuffer> {
  const { nOut, nIn, headDim, blocks, hooks } = tensor;
  const { blockValues, blockBytes } = STORAGE[storage.name];
  const { group, codes, scaleType } = PACKINGS[storage.packing];
  /** The file's row of a row of the packed matrix. */
  const fileRow = (row: number) => {
    if (headDim === 0) return row;
    const c = row % headDim;
    return row - c + 2 * (c % (headDim / 2)) + Math.floor(c / (headDim / 2));
  };
  /** A hook's result at every `step`-th value. */
  const all = (path: string, step: number) =>
    Array.from({ length: nOut * nIn / step }, (_, i) => {
      const [row, k] = [Math.floor(i * step / nIn), i * step % nIn];
      const block = (fileRow(row) * nIn + k - k % blockValues) / blockValues * blockBytes;
      const bytes = blocks.subarray(block, block + blockBytes);
      return hooks[path]!(bytes, k % blockValues)[0] as number;
    });
  if (scaleType === null) {
    const values = all("code", 1).map((code) => valueOfBits(code, codes));
    return packValues(storage.packing, { nOut, nIn, values });
  }
  return packCodes(storage.packing, {
    nOut,
    nIn,
    codes: all("code", 1),
    scales: all("scale", group),
    offsets: all("offset", group),
  });
}

const word = new DataView(new ArrayBuffer(4));

/** The value that a plain type's bits stand for. */
function valueOfBits(bits: number, element: string): number {
  word.setInt32(0, element === "f32" ? bits : bits << 16);
  return element === "f16" ? word.getFloat16(0) : word.getFloat32(0);
}
