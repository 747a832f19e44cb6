/**
 * The tensors of a Llama model by role, each checked to be there with the shape the configuration asks
 * for. A tensor that has no role is an error too: leaving it out would change the model's answers.
 */

import { KerfError } from "../core/error.ts";
import type { LlamaConfig } from "./config.ts";
import type { Gguf, GgufTensor } from "./gguf.ts";

/** Weights of one layer; matrices are [nOut, nIn]. */
export interface LlamaLayer {
  /** F32 [dModel] */
  readonly attnNorm: GgufTensor;
  /** [nHeads·headDim, dModel], rows in `config.qkRowOrder` */
  readonly attnQ: GgufTensor;
  /** [nKvHeads·headDim, dModel], rows in `config.qkRowOrder` */
  readonly attnK: GgufTensor;
  /** [nKvHeads·headDim, dModel] */
  readonly attnV: GgufTensor;
  /** [dModel, nHeads·headDim] */
  readonly attnOutput: GgufTensor;
  /** F32 [dModel] */
  readonly ffnNorm: GgufTensor;
  /** [dFf, dModel] */
  readonly ffnGate: GgufTensor;
  /** [dFf, dModel] */
  readonly ffnUp: GgufTensor;
  /** [dModel, dFf] */
  readonly ffnDown: GgufTensor;
}

/** Every weight of a Llama model. */
export interface LlamaTensors {
  /** [nVocab, dModel] */
  readonly embedding: GgufTensor;
  readonly layers: readonly LlamaLayer[];
  /** F32 [dModel] */
  readonly outputNorm: GgufTensor;
  /** [nVocab, dModel]; the embedding itself when the head is tied. */
  readonly output: GgufTensor;
  /** f32 [headDim/2]: what Llama 3 divides the inverse frequencies by. */
  readonly ropeFactors: GgufTensor | undefined;
}

type Shapes = Readonly<Record<string, readonly number[]>>;

const layerShapes = (c: LlamaConfig): Record<keyof LlamaLayer, [string, readonly number[]]> => ({
  attnNorm: ["attn_norm", [c.dModel]],
  attnQ: ["attn_q", [c.nHeads * c.headDim, c.dModel]],
  attnK: ["attn_k", [c.nKvHeads * c.headDim, c.dModel]],
  attnV: ["attn_v", [c.nKvHeads * c.headDim, c.dModel]],
  attnOutput: ["attn_output", [c.dModel, c.nHeads * c.headDim]],
  ffnNorm: ["ffn_norm", [c.dModel]],
  ffnGate: ["ffn_gate", [c.dFf, c.dModel]],
  ffnUp: ["ffn_up", [c.dFf, c.dModel]],
  ffnDown: ["ffn_down", [c.dModel, c.dFf]],
});

const ROPE_FACTORS = "rope_freqs.weight";

/** Names and shapes of every tensor a model with this configuration has. */
export function llamaShapes(config: LlamaConfig): Shapes {
  const { nVocab, dModel, nLayers } = config;
  const shapes: Record<string, readonly number[]> = { "token_embd.weight": [nVocab, dModel] };
  for (let i = 0; i < nLayers; i++) {
    for (const [name, shape] of Object.values(layerShapes(config))) {
      shapes[`blk.${i}.${name}.weight`] = shape;
    }
  }
  shapes["output_norm.weight"] = [dModel];
  if (!config.tiedHead) shapes["output.weight"] = [nVocab, dModel];
  return shapes;
}

/**
 * Finds every weight.
 * @throws {KerfError} naming the first tensor that is missing, misshapen or unknown, and how many more
 */
export function llamaTensors(gguf: Gguf, config: LlamaConfig): LlamaTensors {
  // A damaged layer count must not make a list of two thousand million names.
  if (config.nLayers > gguf.tensors.size) {
    refuse(gguf, `it declares ${config.nLayers} layers and has ${gguf.tensors.size} tensors`);
  }
  checkShapes(gguf, llamaShapes(config), config);
  const get = (name: string): GgufTensor => gguf.tensors.get(name)!;
  const layers = Array.from({ length: config.nLayers }, (_, i) =>
    Object.fromEntries(
      Object.entries(layerShapes(config)).map(([role, [name]]) => [
        role,
        get(`blk.${i}.${name}.weight`),
      ]),
    ) as unknown as LlamaLayer);
  const embedding = get("token_embd.weight");
  return {
    embedding,
    layers,
    outputNorm: get("output_norm.weight"),
    output: config.tiedHead ? embedding : get("output.weight"),
    ropeFactors: gguf.tensors.get(ROPE_FACTORS),
  };
}

function checkShapes(gguf: Gguf, shapes: Shapes, config: LlamaConfig): void {
  const names = Object.keys(shapes);
  const missing = names.filter((name) => !gguf.tensors.has(name));
  if (missing.length > 0) {
    refuse(gguf, `tensor "${missing[0]}" is missing${more(missing)}`);
  }
  const wrong = names.filter((name) => !sameShape(gguf.tensors.get(name)!.shape, shapes[name]!));
  if (wrong.length > 0) {
    const name = wrong[0]!;
    const is = gguf.tensors.get(name)!.shape.join(", ");
    refuse(
      gguf,
      `tensor "${name}" is [${is}], not [${shapes[name]!.join(", ")}]${more(wrong)}`,
    );
  }
  const notF32 = names.filter((name) =>
    shapes[name]!.length === 1 && gguf.tensors.get(name)!.storage.name !== "F32"
  );
  if (notF32.length > 0) {
    const name = notF32[0]!;
    const is = gguf.tensors.get(name)!.storage.name;
    refuse(gguf, `tensor "${name}" is stored as ${is}, not F32${more(notF32)}`);
  }
  const unknown = [...gguf.tensors.keys()].filter((name) =>
    !(name in shapes) && name !== ROPE_FACTORS
  );
  if (unknown.length > 0) {
    refuse(gguf, `tensor "${unknown[0]}" has no place in the model${more(unknown)}`);
  }
  const factors = gguf.tensors.get(ROPE_FACTORS);
  if (
    factors !== undefined &&
    (factors.storage.name !== "F32" || !sameShape(factors.shape, [config.headDim / 2]))
  ) {
    refuse(
      gguf,
      `tensor "${ROPE_FACTORS}" is ${factors.storage.name} [${factors.shape.join(", ")}], not ` +
        `F32 [${config.headDim / 2}]`,
    );
  }
}

const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((n, i) => n === b[i]);

const more = (names: readonly string[]): string =>
  names.length === 1 ? "" : ` (and ${names.length - 1} more)`;

function refuse(gguf: Gguf, state: string): never {
  throw new KerfError(`Cannot run "${gguf.path}" as a Llama model: ${state}`, {
    hint: "the file is damaged or holds a variant Kerf does not run: download another one",
  });
}
