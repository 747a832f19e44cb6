/**
 * The cosines and sines that rotate queries and keys: computed in f64, rounded to f32 once. Angles at
 * position 8192 lose digits in f32. Kernels only read the table; they compute no trigonometry.
 */

import { KerfError } from "../core/error.ts";
import type { LlamaConfig } from "./config.ts";
import type { Gguf, GgufTensor } from "./gguf.ts";

/**
 * The table of positions 0 … nCtx − 1.
 *
 * Angle i of position p is p / ropeScale · ropeBase^(−2i/headDim) / factors[i].
 *
 * @param options.factors f32 [headDim/2], Llama 3's `rope_freqs.weight`; none: all ones
 * @returns f32 [nCtx, headDim]: headDim/2 cosines, then their sines
 * Source: RoFormer (arXiv:2104.09864) eq. 15; the factors, The Llama 3 Herd of Models
 * (arXiv:2407.21783).
 *
 * @example
 * ```ts
 * import { ropeTable } from "./rope_table.ts";
 * const table = ropeTable({ headDim: 2, ropeBase: 10000, ropeScale: 1 }, { nCtx: 2 });
 * if (table[0] !== 1 || table[3] !== Math.fround(Math.sin(1))) throw new Error("wrong angle");
 * ```
 */
export function ropeTable(
  config: Pick<LlamaConfig, "headDim" | "ropeBase" | "ropeScale">,
  options: { nCtx: number; factors?: ArrayLike<number> },
): Float32Array<ArrayBuffer> {
  const { headDim, ropeBase, ropeScale } = config;
  const half = headDim / 2;
  const { nCtx, factors } = options;
  if (factors !== undefined && factors.length !== half) {
    throw new RangeError(
      `Cannot build a RoPE table of ${half} angles from ${factors.length} factors`,
    );
  }
  const inverse = Float64Array.from(
    { length: half },
    (_, i) => ropeBase ** (-2 * i / headDim) / (factors?.[i] ?? 1) / ropeScale,
  );
  const table = new Float32Array(nCtx * headDim);
  for (let position = 0; position < nCtx; position++) {
    const row = position * headDim;
    for (let i = 0; i < half; i++) {
      const angle = position * inverse[i]!;
      table[row + i] = Math.cos(angle);
      table[row + half + i] = Math.sin(angle);
    }
  }
  return table;
}

/**
 * Llama 3's frequency factors: the one tensor whose values are needed outside a device.
 * @param tensor `rope_freqs.weight`, F32 [headDim/2]
 * @throws {KerfError} when the file shrank since its header was read, or a factor is not above zero
 */
export async function readRopeFactors(gguf: Gguf, tensor: GgufTensor): Promise<Float32Array> {
  using file = await Deno.open(gguf.path);
  await file.seek(tensor.offset, Deno.SeekMode.Start);
  const bytes = new Uint8Array(tensor.bytes);
  for (let filled = 0; filled < bytes.length;) {
    const n = await file.read(bytes.subarray(filled));
    if (n === null) {
      throw new KerfError(
        `Cannot read "${tensor.name}" of "${gguf.path}": the file became shorter`,
      );
    }
    filled += n;
  }
  const factors = new Float32Array(bytes.buffer);
  const bad = factors.findIndex((f) => !(f > 0 && f < Infinity));
  if (bad >= 0) {
    throw new KerfError(
      `Cannot use "${tensor.name}" of "${gguf.path}": factor ${bad} is ${factors[bad]}`,
      { hint: "the file is damaged: download it again" },
    );
  }
  return factors;
}
