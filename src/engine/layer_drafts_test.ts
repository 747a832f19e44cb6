/** Which kernels a layer is made of: where attention's outputs become codes, and by what. */

import { assertEquals } from "@std/assert";
import type { PackingName } from "../core/packing.ts";
import type { BufferSlice } from "../device/types.ts";
import type { ActivationName } from "./activations.ts";
import { layerDrafts } from "./layer_drafts.ts";
import type { DraftContext, LoadedMatrix } from "./draft_context.ts";

const at = (label: string): BufferSlice => ({ buffer: { label, bytes: 0 } });

const ACTIVATIONS = [
  ...["x", "x_mid", "normed", "sums", "qkv", "out", "hidden", "codes"],
  ...["partials", "picked", "logits", "picks"],
] as ActivationName[];

/** The drafts between keys that are stored and the norm behind the output's product. */
function outputDrafts(
  { headDim, packing, rounds }: {
    readonly headDim: number;
    readonly packing: PackingName;
    readonly rounds: boolean;
  },
) {
  const width = 2 * headDim;
  const matrix = (nIn: number, nOut: number, own: PackingName = "q8_f16_g32"): LoadedMatrix => ({
    ...{ packing: own, parts: [], alternates: false, nIn, nOut, firstOut: 0, weight: at("weight") },
  });
  const context: DraftContext = {
    config: {
      ...{ nLayers: 1, nHeads: 2, nKvHeads: 2, headDim, dModel: width, dFf: 64, nVocab: 8 },
      ...{ nCtx: 16, rmsEps: 1e-5, ropeBase: 1e4, ropeScale: 1, tiedHead: true },
      qkRowOrder: "half-split",
    },
    arithmetic: "q8",
    activations: Object.fromEntries(
      ACTIVATIONS.map((name) => [name, at(name)]),
    ) as Record<ActivationName, BufferSlice>,
    attention: { name: "causal", params: {}, tables: {} },
    layoutName: "LAYOUT",
    roundsAttention: rounds,
    ...{ mergeKernel: "attention_merge", rowSums: false, arenas: [at("arena")] },
    ...{ momentsSkip: null, recording: null, appends: null },
  };
  const weights = {
    ...{ attnNorm: at("norm"), ffnNorm: at("norm") },
    qkv: [matrix(width, 3 * width)],
    attnOutput: [matrix(width, width, packing)],
    gateUp: [matrix(width, 64)],
    ffnDown: [matrix(64, width)],
  };
  const drafts = layerDrafts(context, { layer: 0, weights, x: at("x") });
  const first = drafts.findIndex(({ kernel }) => kernel.includes("_prefill"));
  const end = drafts.findIndex(({ kernel }) => kernel.startsWith("matmul_add"));
  return drafts.slice(first, end + 1);
}

/** From merging to the output's product, which reads `x`. */
const endOf = (drafts: ReturnType<typeof outputDrafts>) => ({
  stores_codes: drafts[0]!.constants!.stores_codes,
  kernels: drafts.slice(2).map(({ kernel }) => kernel.split("__")[0]),
  x: drafts.at(-1)!.buffers!.x!.buffer.label,
});

Deno.test("attention stores codes where heads are whole blocks and the output's matrix takes them", () => {
  const given = { headDim: 64, packing: "q8_f16_g32", rounds: true } as const;
  const product = "matmul_add_q8_q8";
  assertEquals(endOf(outputDrafts(given)), {
    stores_codes: 1,
    kernels: ["attention_merge_q8", product],
    x: "out",
  });
  const apart = {
    stores_codes: 0,
    kernels: ["attention_merge", "quantize_q8", product],
    x: "codes",
  };
  assertEquals(endOf(outputDrafts({ ...given, headDim: 48 })), apart);
  assertEquals(endOf(outputDrafts({ ...given, rounds: false })), apart);
  assertEquals(endOf(outputDrafts({ ...given, packing: "f16" })), {
    stores_codes: 0,
    kernels: ["attention_merge", "matmul_add"],
    x: "out",
  });
});
