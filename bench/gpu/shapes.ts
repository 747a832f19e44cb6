/** Sizes of the models that are measured. Weights are random, so sizes are all there is to a model. */

import type { StorageName } from "../../src/core/storage.ts";
import type { LlamaConfig } from "../../src/model/config.ts";

/** A model's sizes, and what its matrices are stored as. */
export interface BenchShape {
  readonly name: string;
  readonly config: LlamaConfig;
  readonly storage: StorageName;
  readonly embeddingStorage: StorageName;
}

const common = {
  rmsEps: 1e-5,
  ropeScale: 1,
  qkRowOrder: "interleaved",
} as const;

/** SmolLM2-135M as the default model is stored. */
const smollm2: BenchShape = {
  name: "SmolLM2-135M",
  config: {
    ...common,
    ...{ nLayers: 30, nHeads: 9, nKvHeads: 3, headDim: 64, dModel: 576, dFf: 1536 },
    ...{ nVocab: 49152, nCtx: 8192, ropeBase: 100000, tiedHead: true },
  },
  storage: "Q4_1",
  embeddingStorage: "Q8_0",
};

/** Llama-3-8B (arXiv:2407.21783, table 3); about 6 GB as stored here. */
const llama3: BenchShape = {
  name: "Llama-3-8B",
  config: {
    ...common,
    ...{ nLayers: 32, nHeads: 32, nKvHeads: 8, headDim: 128, dModel: 4096, dFf: 14336 },
    ...{ nVocab: 128256, nCtx: 8192, ropeBase: 500000, tiedHead: false },
  },
  storage: "Q4_1",
  embeddingStorage: "Q8_0",
};

/** For trying the program where no GPU is: everything once, nothing of any size. */
const tiny: BenchShape = {
  name: "tiny",
  config: {
    ...common,
    ...{ nLayers: 2, nHeads: 6, nKvHeads: 2, headDim: 32, dModel: 192, dFf: 64 },
    ...{ nVocab: 320, nCtx: 512, ropeBase: 10000, tiedHead: false },
  },
  storage: "Q4_1",
  embeddingStorage: "Q8_0",
};

/** What is measured, and how much of it. */
export interface BenchSizes {
  readonly shapes: readonly BenchShape[];
  /** Rows of the cache when one more is decoded. */
  readonly contexts: readonly number[];
  /** Shares of key channels that are pruned; 0 is the dense cache. */
  readonly ratios: readonly number[];
  /** Of the copy that bandwidths are compared with. */
  readonly copyBytes: number;
  /** Cached bytes that an attention benchmark reads in one run, at least: more than a GPU's last cache. */
  readonly readBytes: number;
  readonly nPrompt: number;
  readonly nGen: number;
  /** Rows cached before the second decoding. */
  readonly nDepth: number;
  /** Timed runs of each thing; the median counts. */
  readonly nRuns: number;
}

/** The benchmark. */
export const FULL: BenchSizes = Object.freeze({
  shapes: [smollm2, llama3],
  contexts: [4096, 8192, 16384, 32768, 65536, 131072],
  ratios: [0, 0.3, 0.4, 0.5, 0.6, 0.7],
  copyBytes: 2 ** 30,
  readBytes: 2 ** 28,
  nPrompt: 512,
  nGen: 128,
  nDepth: 4096,
  nRuns: 5,
});

/** The same program in little. */
export const TINY: BenchSizes = Object.freeze({
  shapes: [tiny],
  contexts: [80, 300],
  ratios: [0, 0.5],
  copyBytes: 2 ** 16,
  readBytes: 2 ** 10,
  nPrompt: 40,
  nGen: 3,
  nDepth: 40,
  nRuns: 2,
});
