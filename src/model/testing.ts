/**
 * A tiny random Llama model as a valid GGUF file, so that tests of the engine need no download: any GQA
 * ratio, head size and storage type, a byte-level tokenizer with a few merges, a chat template. It talks
 * nonsense, deterministically by seed.
 */

import type { StorageName } from "../core/storage.ts";
import { BYTE_CHARACTERS } from "./byte_level.ts";
import { encodeGguf } from "./testing_gguf.ts";
import type { WrittenTensor, WrittenValue } from "./testing_gguf.ts";
import { randomWeights, seeded } from "./testing_weights.ts";

/** Sizes of a tiny model; everything has a default. */
export interface TinyModelOptions {
  /** Default 2. */
  readonly nLayers?: number;
  /** Default 3. */
  readonly nHeads?: number;
  /** Default 1. */
  readonly nKvHeads?: number;
  /** Even. Default 32. */
  readonly headDim?: number;
  /** Default nHeads·headDim. */
  readonly dModel?: number;
  /** Default 64. */
  readonly dFf?: number;
  /** At least 259. Default 300. */
  readonly nVocab?: number;
  /** Default 512. */
  readonly nCtx?: number;
  /** Of every matrix. Default F32. K types need rows of a multiple of 256. */
  readonly storage?: StorageName;
  /** Of the embedding. Default as `storage`. */
  readonly embeddingStorage?: StorageName;
  /** Whether there is a head of its own. Default false: the embedding. */
  readonly ownHead?: boolean;
  /** Llama 3's frequency factors [headDim/2]. Default none. */
  readonly ropeFactors?: readonly number[];
  /** Default 1. */
  readonly seed?: number;
  /** Added to the metadata, or in place of what is there; undefined takes a key out. */
  readonly metadata?: Readonly<Record<string, WrittenValue | undefined>>;
}

/** The ChatML template of the default model, without its default system message. */
export const TINY_TEMPLATE =
  "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + " +
  "'<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}" +
  "{% endif %}";

const SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

/**
 * The bytes of a tiny model's file.
 *
 * @example
 * ```ts
 * import { tinyModel } from "./testing.ts";
 * const file = tinyModel({ nHeads: 4, nKvHeads: 1, storage: "Q8_0" });
 * if (new TextDecoder().decode(file.subarray(0, 4)) !== "GGUF") throw new Error("no GGUF");
 * ```
 */
export function tinyModel(options: TinyModelOptions = {}): Uint8Array<ArrayBuffer> {
  const { nLayers = 2, nHeads = 3, nKvHeads = 1, headDim = 32, dFf = 64, nCtx = 512 } = options;
  const { dModel = nHeads * headDim, nVocab = 300, storage = "F32" } = options;
  const u32 = (n: number): WrittenValue => ({ u32: n });
  const metadata: Record<string, WrittenValue | undefined> = {
    "general.architecture": { string: "llama" },
    "general.name": { string: "tiny random model" },
    "llama.block_count": u32(nLayers),
    "llama.context_length": u32(nCtx),
    "llama.embedding_length": u32(dModel),
    "llama.feed_forward_length": u32(dFf),
    "llama.attention.head_count": u32(nHeads),
    "llama.attention.head_count_kv": u32(nKvHeads),
    "llama.attention.key_length": u32(headDim),
    "llama.attention.value_length": u32(headDim),
    "llama.rope.dimension_count": u32(headDim),
    "llama.rope.freq_base": { f32: 10000 },
    "llama.attention.layer_norm_rms_epsilon": { f32: 1e-5 },
    ...tinyTokenizer(nVocab),
    ...options.metadata,
  };
  const written = Object.entries(metadata).filter((entry): entry is [string, WrittenValue] =>
    entry[1] !== undefined
  );
  const sizes = { nLayers, nHeads, nKvHeads, headDim, dModel, dFf, nVocab };
  return encodeGguf({
    metadata: Object.fromEntries(written),
    tensors: tinyTensors(sizes, { ...options, storage }),
  });
}

type Sizes = Record<
  "nLayers" | "nHeads" | "nKvHeads" | "headDim" | "dModel" | "dFf" | "nVocab",
  number
>;

function tinyTensors(
  sizes: Sizes,
  options: TinyModelOptions & { storage: StorageName },
): WrittenTensor[] {
  const { nLayers, nHeads, nKvHeads, headDim, dModel, dFf, nVocab } = sizes;
  const random = seeded(options.seed ?? 1);
  const matrix = (name: string, shape: [number, number], storage = options.storage) => ({
    name: `${name}.weight`,
    shape,
    storage,
    // Products of unit-spread rows keep unit spread, as in a trained model.
    data: randomWeights(shape[0] * shape[1], {
      storage,
      spread: 1 / Math.sqrt(shape[1]),
      random,
    }),
  });
  const norm = (name: string): WrittenTensor => ({
    name: `${name}.weight`,
    shape: [dModel],
    storage: "F32",
    data: randomWeights(dModel, { storage: "F32", spread: 0.1, mean: 1, random }),
  });
  const layers = Array.from({ length: nLayers }, (_, i) => [
    norm(`blk.${i}.attn_norm`),
    matrix(`blk.${i}.attn_q`, [nHeads * headDim, dModel]),
    matrix(`blk.${i}.attn_k`, [nKvHeads * headDim, dModel]),
    matrix(`blk.${i}.attn_v`, [nKvHeads * headDim, dModel]),
    matrix(`blk.${i}.attn_output`, [dModel, nHeads * headDim]),
    norm(`blk.${i}.ffn_norm`),
    matrix(`blk.${i}.ffn_gate`, [dFf, dModel]),
    matrix(`blk.${i}.ffn_up`, [dFf, dModel]),
    matrix(`blk.${i}.ffn_down`, [dModel, dFf]),
  ]);
  const { ropeFactors, ownHead = false, embeddingStorage } = options;
  return [
    matrix("token_embd", [nVocab, dModel], embeddingStorage),
    ...layers.flat(),
    norm("output_norm"),
    ...(ownHead ? [matrix("output", [nVocab, dModel])] : []),
    ...(ropeFactors === undefined ? [] : [{
      name: "rope_freqs.weight",
      shape: [ropeFactors.length],
      storage: "F32" as const,
      data: new Uint8Array(Float32Array.from(ropeFactors).buffer),
    }]),
  ];
}

/** Three special tokens, one per byte, then pairs of letters as merges up to `nVocab`. */
function tinyTokenizer(nVocab: number): Record<string, WrittenValue> {
  const letters = [..."etaoinshrdlucmfwypvbgkjqxz"];
  const pairs = letters.flatMap((a) => letters.map((b) => [a, b] as const));
  const nMerges = nVocab - SPECIAL.length - BYTE_CHARACTERS.length;
  if (nMerges < 0 || nMerges > pairs.length) {
    throw new RangeError(`Cannot make a tiny vocabulary of ${nVocab} tokens: it has 259 to 935`);
  }
  const merges = pairs.slice(0, nMerges);
  const tokens = [...SPECIAL, ...BYTE_CHARACTERS, ...merges.map((pair) => pair.join(""))];
  return {
    "tokenizer.ggml.model": { string: "gpt2" },
    "tokenizer.ggml.pre": { string: "smollm" },
    "tokenizer.ggml.tokens": { strings: tokens },
    "tokenizer.ggml.token_type": { i32s: tokens.map((_, id) => id < SPECIAL.length ? 3 : 1) },
    "tokenizer.ggml.merges": { strings: merges.map((pair) => pair.join(" ")) },
    "tokenizer.ggml.bos_token_id": { u32: 1 },
    "tokenizer.ggml.eos_token_id": { u32: 2 },
    "tokenizer.ggml.add_bos_token": { bool: false },
    "tokenizer.chat_template": { string: TINY_TEMPLATE },
  };
}
