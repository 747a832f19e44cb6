/**
 * A Llama model's sizes and constants, from a GGUF file's metadata. What it returns is complete and
 * consistent, or there was an error that names the key. It does not look at tensors: llama_tensors.ts does.
 */

import { KerfError } from "../core/error.ts";
import type { Gguf } from "./gguf.ts";
import { optionalNumber, optionalString, positive, size, string } from "./metadata.ts";
import { TextList } from "./text_list.ts";

/** Everything about a Llama model that is not weights. */
export interface LlamaConfig {
  readonly nLayers: number;
  readonly nHeads: number;
  readonly nKvHeads: number;
  readonly headDim: number;
  readonly dModel: number;
  readonly dFf: number;
  readonly nVocab: number;
  /** Positions the model was trained for. */
  readonly nCtx: number;
  readonly rmsEps: number;
  readonly ropeBase: number;
  /** Linear RoPE scaling: positions are divided by this; 1 when there is none. */
  readonly ropeScale: number;
  /** The head is the embedding: there is no output.weight. */
  readonly tiedHead: boolean;
  /**
   * How the rows of q and k lie in the file. Llama-architecture GGUF interleaves the pairs of each head:
   * row 2i rotates with row 2i + 1, where Hugging Face has i and i + headDim/2.
   */
  readonly qkRowOrder: "interleaved" | "half-split";
}

/**
 * Reads the configuration.
 * @throws {KerfError} another architecture, or a key that is missing, absurd or not supported
 */
export function llamaConfig(gguf: Gguf): LlamaConfig {
  const architecture = string(gguf, "general.architecture");
  if (architecture !== "llama") {
    refuse(gguf, `its architecture is "${architecture}"; Kerf runs llama`);
  }
  if ((optionalNumber(gguf, "llama.expert_count") ?? 0) > 0) {
    refuse(gguf, "it is a mixture of experts");
  }
  const dModel = size(gguf, "llama.embedding_length");
  const nHeads = size(gguf, "llama.attention.head_count");
  const nKvHeads = optionalNumber(gguf, "llama.attention.head_count_kv") === undefined
    ? nHeads
    : size(gguf, "llama.attention.head_count_kv");
  if (nHeads % nKvHeads !== 0) {
    refuse(gguf, `${nHeads} query heads do not share ${nKvHeads} KV heads evenly`);
  }
  return {
    nLayers: size(gguf, "llama.block_count"),
    nHeads,
    nKvHeads,
    headDim: headDimOf(gguf, { dModel, nHeads }),
    dModel,
    dFf: size(gguf, "llama.feed_forward_length"),
    nVocab: nVocabOf(gguf),
    nCtx: size(gguf, "llama.context_length"),
    rmsEps: positive(gguf, "llama.attention.layer_norm_rms_epsilon"),
    // Files older than the key mean Llama 1 and 2, which use 10000.
    ropeBase: optionalNumber(gguf, "llama.rope.freq_base") === undefined
      ? 10000
      : positive(gguf, "llama.rope.freq_base"),
    ropeScale: ropeScaleOf(gguf),
    tiedHead: !gguf.tensors.has("output.weight"),
    qkRowOrder: "interleaved",
  };
}

function headDimOf(gguf: Gguf, { dModel, nHeads }: { dModel: number; nHeads: number }): number {
  const headDim = optionalNumber(gguf, "llama.attention.key_length") ?? dModel / nHeads;
  if (!Number.isInteger(headDim) || headDim < 2 || headDim % 2 !== 0) {
    refuse(gguf, `its heads have ${headDim} channels, which are no pairs to rotate`);
  }
  const valueLength = optionalNumber(gguf, "llama.attention.value_length") ?? headDim;
  if (valueLength !== headDim) {
    refuse(gguf, `its keys have ${headDim} channels and its values ${valueLength}`);
  }
  const rotated = optionalNumber(gguf, "llama.rope.dimension_count") ?? headDim;
  if (rotated !== headDim) {
    refuse(gguf, `it rotates ${rotated} of ${headDim} channels; Kerf rotates whole heads`);
  }
  return headDim;
}

function nVocabOf(gguf: Gguf): number {
  const embedding = gguf.tensors.get("token_embd.weight");
  const nVocab = embedding?.shape[0] ?? size(gguf, "llama.vocab_size");
  const tokens = gguf.metadata.get("tokenizer.ggml.tokens");
  if (tokens instanceof TextList && tokens.length !== nVocab) {
    refuse(gguf, `it lists ${tokens.length} tokens and embeds ${nVocab}`);
  }
  return nVocab;
}

function ropeScaleOf(gguf: Gguf): number {
  const type = optionalString(gguf, "llama.rope.scaling.type") ?? "none";
  // Before the type had a name, a lone factor meant linear scaling.
  const old = optionalNumber(gguf, "llama.rope.scale_linear");
  if (type === "none") return old ?? 1;
  if (type === "linear") return positive(gguf, "llama.rope.scaling.factor");
  return refuse(gguf, `its RoPE scaling is "${type}"; Kerf has linear and Llama 3's factors`);
}

function refuse(gguf: Gguf, state: string): never {
  throw new KerfError(`Cannot run "${gguf.path}" as a Llama model: ${state}`, {
    hint: "choose a Llama-architecture model, such as the default one: leave out -m",
  });
}
