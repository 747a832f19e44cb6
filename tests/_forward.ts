/**
 * A Llama forward pass as the papers write it, in f64, one position after the other: independent of every
 * kernel, definition and plan of the project. Reads F32 tensors; slow, for tiny models.
 */

import type { LlamaConfig } from "../src/model/config.ts";
import type { Gguf } from "../src/model/gguf.ts";

type Vector = Float64Array;

/** What a forward pass saw of one layer; heads in the half-split order of channels. */
export interface LayerTrace {
  /** Per query head and position, after RoPE: f64 [headDim]. */
  readonly queries: Vector[][];
  /** Per KV head and position, after RoPE: f64 [headDim]. */
  readonly keys: Vector[][];
}

/** A forward pass over a whole sequence. */
export interface Trace {
  /** Per position: f64 [nVocab]. */
  readonly logits: Vector[];
  readonly layers: LayerTrace[];
}

/** The values of an F32 tensor. */
function tensor(gguf: Gguf, name: string): Float32Array {
  const { offset, bytes } = gguf.tensors.get(name)!;
  const file = Deno.readFileSync(gguf.path);
  return new Float32Array(file.slice(offset, offset + bytes).buffer);
}

/** x · Wᵀ; the rows of W are outputs. */
const multiply = (weight: Float32Array, x: Vector): Vector =>
  Float64Array.from({ length: weight.length / x.length }, (_, row) => {
    let sum = 0;
    for (let k = 0; k < x.length; k++) sum += weight[row * x.length + k]! * x[k]!;
    return sum;
  });

function normalise(x: Vector, weight: Float32Array, eps: number): Vector {
  const scale = 1 / Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / x.length + eps);
  return x.map((v, i) => v * scale * weight[i]!);
}

/**
 * Rotates every pair (2i, 2i + 1) of a head, the order of llama GGUF files, and puts the pair's halves at
 * i and i + headDim/2.
 */
function rotate(head: Vector, angle: (i: number) => number): Vector {
  const half = head.length / 2;
  const out = new Float64Array(head.length);
  for (let i = 0; i < half; i++) {
    const [a, b] = [head[2 * i]!, head[2 * i + 1]!];
    const [cos, sin] = [Math.cos(angle(i)), Math.sin(angle(i))];
    out[i] = a * cos - b * sin;
    out[i + half] = a * sin + b * cos;
  }
  return out;
}

/** One head's attention over the rows so far that it sees. */
function attend(
  q: Vector,
  { keys, values, sees }: {
    readonly keys: readonly Vector[];
    readonly values: readonly Vector[];
    readonly sees: (key: number) => boolean;
  },
): Vector {
  const logits = keys.map((k, i) =>
    sees(i) ? k.reduce((s, v, c) => s + v * q[c]!, 0) / Math.sqrt(q.length) : -Infinity
  );
  const top = Math.max(...logits);
  const weights = logits.map((logit) => Math.exp(logit - top));
  const total = weights.reduce((a, b) => a + b);
  return q.map((_, c) => weights.reduce((s, w, i) => s + w * values[i]![c]!, 0) / total);
}

/** What a row's attention sees of earlier ones. */
export interface Sight {
  /** Whether a row sees another, by their positions; default: every earlier one. */
  readonly sees?: (row: number, key: number) => boolean;
  /** What a row's query and the keys that it sees are rotated by; default: their positions. */
  readonly placeFor?: (row: number, key: number) => number;
}

/** Runs the whole sequence. */
export function forward(
  gguf: Gguf,
  config: LlamaConfig,
  tokens: readonly number[],
  { sees = () => true, placeFor = (_, key) => key }: Sight = {},
): Trace {
  const { nLayers, nHeads, nKvHeads, headDim, dModel, rmsEps, ropeBase } = config;
  const factors = gguf.tensors.has("rope_freqs.weight") ? tensor(gguf, "rope_freqs.weight") : null;
  const embedding = tensor(gguf, "token_embd.weight");
  const embed = (token: number) =>
    Float64Array.from(embedding.subarray(token * dModel, (token + 1) * dModel));
  const headsOf = (row: Vector, n: number) =>
    Array.from({ length: n }, (_, h) => row.slice(h * headDim, (h + 1) * headDim));
  let rows = tokens.map(embed);
  const layers = Array.from({ length: nLayers }, (_, layer): LayerTrace => {
    const weight = (name: string) => tensor(gguf, `blk.${layer}.${name}.weight`);
    const attn = ["attn_norm", "attn_q", "attn_k", "attn_v", "attn_output"].map(weight);
    const [attnNorm, wq, wk, wv, wo] = attn as [Float32Array, ...Float32Array[]];
    const ffn = ["ffn_norm", "ffn_gate", "ffn_up", "ffn_down"].map(weight);
    const [ffnNorm, wGate, wUp, wDown] = ffn as [Float32Array, ...Float32Array[]];
    const queries: Vector[][] = Array.from({ length: nHeads }, () => []);
    const keys: Vector[][] = Array.from({ length: nKvHeads }, () => []);
    const values: Vector[][] = Array.from({ length: nKvHeads }, () => []);
    const plainKeys: Vector[][] = Array.from({ length: nKvHeads }, () => []);
    rows = rows.map((x, position) => {
      const angleAt = (place: number) => (i: number) =>
        place * ropeBase ** (-2 * i / headDim) / (factors?.[i] ?? 1);
      const angle = angleAt(position);
      const normed = normalise(x, attnNorm, rmsEps);
      headsOf(multiply(wq!, normed), nHeads).forEach((q, h) => queries[h]!.push(rotate(q, angle)));
      headsOf(multiply(wk!, normed), nKvHeads).forEach((k, h) => keys[h]!.push(rotate(k, angle)));
      headsOf(multiply(wk!, normed), nKvHeads).forEach((k, h) => plainKeys[h]!.push(k));
      headsOf(multiply(wv!, normed), nKvHeads).forEach((v, h) => values[h]!.push(v));
      const plain = headsOf(multiply(wq!, normed), nHeads);
      const out = plain.flatMap((q, h) => {
        const kvHead = Math.floor(h / (nHeads / nKvHeads));
        const placed = (of: Vector, key: number) => rotate(of, angleAt(placeFor(position, key)));
        const rows = { keys: plainKeys[kvHead]!.map(placed), values: values[kvHead]! };
        return [...attend(placed(q, position), { ...rows, sees: (key) => sees(position, key) })];
      });
      const attended = multiply(wo!, Float64Array.from(out));
      const mid = x.map((v, i) => v + attended[i]!);
      const ffnIn = normalise(mid, ffnNorm, rmsEps);
      const up = multiply(wUp!, ffnIn);
      const gated = multiply(wGate!, ffnIn).map((g, i) => g / (1 + Math.exp(-g)) * up[i]!);
      const down = multiply(wDown!, gated);
      return mid.map((v, i) => v + down[i]!);
    });
    return { queries, keys };
  });
  const outputNorm = tensor(gguf, "output_norm.weight");
  const head = gguf.tensors.has("output.weight") ? tensor(gguf, "output.weight") : embedding;
  return { logits: rows.map((x) => multiply(head, normalise(x, outputNorm, rmsEps))), layers };
}
