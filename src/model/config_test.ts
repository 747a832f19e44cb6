import { assert, assertEquals, assertRejects } from "@std/assert";
import { KerfError } from "../core/error.ts";
import { llamaConfig } from "./config.ts";
import { readGguf } from "./gguf.ts";
import { llamaTensors } from "./llama_tensors.ts";
import { tinyModel } from "./testing.ts";
import type { TinyModelOptions } from "./testing.ts";
import { testFolder } from "./testing_files.ts";

/** Configuration and tensors of a tiny model, its bytes changed on the way if need be. */
async function load(options: TinyModelOptions, change: (bytes: Uint8Array) => void = () => {}) {
  await using folder = await testFolder();
  const bytes = tinyModel(options);
  change(bytes);
  const gguf = await readGguf(await folder.write("tiny.gguf", bytes));
  const config = llamaConfig(gguf);
  return { config, tensors: llamaTensors(gguf, config) };
}

/** Renames a tensor in place; both names have the same length. */
const rename = (from: string, to: string) => (bytes: Uint8Array) => {
  const at = new TextDecoder("latin1").decode(bytes).indexOf(from);
  bytes.set(new TextEncoder().encode(to), at);
};

const refused = async (options: TinyModelOptions, state: string) => {
  await assertRejects(() => load(options), KerfError, state);
};

Deno.test("llamaConfig reads sizes at GQA ratios 1, 3, 4 and 8", async () => {
  for (const [nHeads, nKvHeads] of [[2, 2], [3, 1], [8, 2], [8, 1]] as const) {
    const { config, tensors } = await load({ nHeads, nKvHeads, headDim: 16, dModel: 48 });
    assertEquals(config, {
      nLayers: 2,
      nHeads,
      nKvHeads,
      headDim: 16,
      dModel: 48,
      dFf: 64,
      nVocab: 300,
      nCtx: 512,
      rmsEps: Math.fround(1e-5),
      ropeBase: 10000,
      ropeScale: 1,
      tiedHead: true,
      qkRowOrder: "interleaved",
    });
    assertEquals(tensors.layers.length, 2);
    assertEquals(tensors.layers[1]!.attnQ.name, "blk.1.attn_q.weight");
    assertEquals(tensors.layers[1]!.attnQ.shape, [nHeads * 16, 48]);
    assert(tensors.output === tensors.embedding);
  }
});

Deno.test("llamaConfig knows a head of its own, scaling and frequency factors", async () => {
  const { config, tensors } = await load({
    ownHead: true,
    ropeFactors: Array.from({ length: 16 }, () => 2),
    metadata: {
      "llama.rope.scaling.type": { string: "linear" },
      "llama.rope.scaling.factor": { f32: 4 },
    },
  });
  assertEquals(config.ropeScale, 4);
  assertEquals(config.tiedHead, false);
  assertEquals(tensors.output.name, "output.weight");
  assertEquals(tensors.ropeFactors?.shape, [16]);
});

Deno.test("llamaConfig refuses what Kerf does not run, by name", async () => {
  const set = (key: string, value: number) => ({ metadata: { [key]: { u32: value } } });
  await refused(
    { metadata: { "general.architecture": { string: "qwen2" } } },
    'its architecture is "qwen2"; Kerf runs llama',
  );
  await refused(
    { metadata: { "general.architecture": undefined } },
    'its metadata "general.architecture" is missing',
  );
  await refused(set("llama.expert_count", 8), "it is a mixture of experts");
  await refused(set("llama.rope.dimension_count", 16), "it rotates 16 of 32 channels");
  await refused(set("llama.attention.value_length", 16), "keys have 32 channels and its values 16");
  await refused(set("llama.attention.head_count_kv", 2), "3 query heads do not share 2 KV heads");
  await refused(set("llama.block_count", 0), '"llama.block_count" is 0, not above 0');
  await refused(set("llama.block_count", 2 ** 30), "it declares 1073741824 layers");
  await refused(
    { metadata: { "llama.block_count": { i32s: [1] } } },
    '"llama.block_count" is a list, not a number',
  );
  await refused(
    { metadata: { "llama.rope.scaling.type": { string: "yarn" } } },
    'its RoPE scaling is "yarn"',
  );
  await refused(
    { metadata: { "tokenizer.ggml.tokens": { strings: ["a", "b"] } } },
    "it lists 2 tokens and embeds 300",
  );
});

Deno.test("llamaTensors names the first missing, misshapen or unknown tensor", async () => {
  const missing = rename("blk.1.attn_k.weight", "blk.1.attn_K.weight");
  await assertRejects(
    () => load({}, missing),
    KerfError,
    'tensor "blk.1.attn_k.weight" is missing',
  );
  await refused(
    { metadata: { "llama.block_count": { u32: 3 } } },
    'tensor "blk.2.attn_norm.weight" is missing (and 8 more)',
  );
  await refused(
    { metadata: { "llama.feed_forward_length": { u32: 96 } } },
    'tensor "blk.0.ffn_gate.weight" is [64, 96], not [96, 96] (and 5 more)',
  );
  await refused(
    { metadata: { "llama.block_count": { u32: 1 } } },
    'tensor "blk.1.attn_norm.weight" has no place in the model (and 8 more)',
  );
  // The type of the last tensor, behind its name, dimension count and one dimension: F16 for F32.
  const halved = (bytes: Uint8Array) => {
    const name = "output_norm.weight";
    bytes[new TextDecoder("latin1").decode(bytes).indexOf(name) + name.length + 12] = 1;
  };
  await assertRejects(
    () => load({}, halved),
    KerfError,
    'tensor "output_norm.weight" is stored as F16, not F32',
  );
  await refused({ ropeFactors: [1, 2, 3] }, 'tensor "rope_freqs.weight" is F32 [3], not F32 [16]');
});
