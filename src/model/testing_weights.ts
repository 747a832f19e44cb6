/**
 * Random weights in any storage type, for tests: random codes under scales chosen so that values have
 * about the wanted spread. Nothing is quantised, so every bit pattern of a block occurs.
 */

import { STORAGE } from "../core/storage.ts";
import type { StorageName } from "../core/storage.ts";

/** A seeded generator of numbers in [0, 1). */
export function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    // mulberry32 (Tommy Ettinger, public domain): short, and good enough for test data.
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * The f16 fields of a block: byte offset, and factor on the wanted spread. Codes are uniform: n of them
 * spread by n/√12, the offset field moves their middle to about zero.
 */
const F16_FIELDS: Partial<Record<StorageName, readonly (readonly [number, number])[]>> = {
  Q8_0: [[0, 1 / 74]],
  Q4_0: [[0, 1 / 4.6]],
  Q4_1: [[0, 1 / 4.6], [2, -7.5 / 4.6]],
  Q5_0: [[0, 1 / 9.2]],
  Q5_1: [[0, 1 / 9.2], [2, -15.5 / 9.2]],
  // 6-bit scales average 31.5; uneven as they are, they widen the spread by 1.8.
  Q4_K: [[0, 1 / 4.6 / 57], [2, 7.5 / 4.6 / 57]],
  Q5_K: [[0, 1 / 9.2 / 57], [2, 15.5 / 9.2 / 57]],
  // Signed 8-bit scales spread by 74, codes by 18.5.
  Q6_K: [[208, 1 / 74 / 18.5]],
};

/** What to draw. */
export interface RandomWeights {
  readonly storage: StorageName;
  /** Standard deviation, about. */
  readonly spread: number;
  /** Added to every value; plain types only. */
  readonly mean?: number;
  readonly random: () => number;
}

/** `nValues` random values in their storage type's bytes. @throws {RangeError} they fill no whole blocks */
export function randomWeights(nValues: number, options: RandomWeights): Uint8Array {
  const { storage, spread, mean = 0, random } = options;
  const { blockValues, blockBytes } = STORAGE[storage];
  if (nValues % blockValues !== 0) {
    throw new RangeError(
      `Cannot store ${nValues} values as ${storage}: blocks hold ${blockValues}`,
    );
  }
  const bytes = new Uint8Array((nValues / blockValues) * blockBytes);
  const view = new DataView(bytes.buffer);
  const fields = F16_FIELDS[storage];
  if (fields === undefined) {
    for (let i = 0; i < nValues; i++) {
      const value = mean + spread * Math.sqrt(12) * (random() - 0.5);
      if (storage === "F32") view.setFloat32(4 * i, value, true);
      else if (storage === "F16") view.setFloat16(2 * i, value, true);
      else view.setUint16(2 * i, bf16Bits(value), true);
    }
    return bytes;
  }
  for (let i = 0; i < bytes.length; i++) bytes[i] = Math.floor(256 * random());
  for (let block = 0; block < bytes.length; block += blockBytes) {
    const scale = 0.5 + random();
    for (const [offset, factor] of fields) {
      view.setFloat16(block + offset, spread * scale * factor, true);
    }
  }
  return bytes;
}

const single = new Float32Array(1);
const singleBits = new Uint32Array(single.buffer);

/** The upper half of the f32, cut off: rounding does not matter for random numbers. */
function bf16Bits(value: number): number {
  single[0] = value;
  return singleBits[0]! >>> 16;
}
