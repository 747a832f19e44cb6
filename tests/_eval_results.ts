/** A fixed set of evaluation results, made by formula: enough of everything that a report shows. */

import type { CalibrationFile, EvalResult, KeptMaps, RunIdentity } from "../src/eval/mod.ts";

/** Specs with the share of bytes they keep and what they cost: some close together, some far apart. */
const SPECS: readonly (readonly [spec: string, share: number, cost: number])[] = [
  ["none", 1, 0],
  ["think:ratio=0.5", 0.77, 0.04],
  ["think:ratio=0.7", 0.68, 0.21],
  ["snapkv:budget=512", 0.51, 0.03],
  ["snapkv:budget=256", 0.26, 0.061],
  ["streaming:budget=256", 0.26, 0.09],
  ["h2o:budget=256,every=0", 0.261, 0.058],
  ["kivi:bits=4,residual=32", 0.31, 0.0034],
  ["kivi:bits=2,residual=32", 0.19, 0.18],
  ["snapkv:budget=256+think:ratio=0.5+kivi:bits=4,residual=32", 0.09, 0.12],
];

/** Where a run's results came from. */
export const FIXED_IDENTITY: RunIdentity = {
  model: "smollm2-135m-instruct-q4_0.gguf",
  modelSha256: "5f".repeat(32),
  commit: "0123456",
  machine: "cpu x86-64-v4 (2 threads), x86_64-unknown-linux-gnu",
  attention: "softmax",
  activations: "f32",
  ...{ ctk: "f16", ctv: "f16" },
};

const [PASSAGES, POSITIONS] = [6, 256];

/** Between −1 and 1, the same for the same numbers. */
const wave = (a: number, b: number) => Math.sin(12.9898 * a + 78.233 * b);

const continuation = (i: number, p: number): EvalResult => {
  const [spec, share, cost] = SPECS[i]!;
  const series = Array.from(
    { length: POSITIONS },
    (_, at) => cost * (1 + 0.6 * wave(at, p)) * (1 + 0.5 * wave(p, i)) * (1 + at / POSITIONS),
  );
  const kl = series.reduce((a, b) => a + b, 0) / POSITIONS;
  return {
    ...{ spec, protocol: "continuation", passage: `passage ${p + 1}`, caseSha256: `${p}` },
    values: [
      { task: "ppl", metric: "nll", value: 4 + wave(p, 1) / 2 + kl },
      { task: "ppl", metric: "ppl", value: Math.exp(4 + wave(p, 1) / 2 + kl) },
      { task: "ppl", metric: "dnll", value: cost * (0.7 + 0.6 * wave(p, i)) },
      { task: "kl", metric: "kl", value: kl },
      { task: "kl", metric: "top1", value: 1 - Math.sqrt(kl) / 2 },
    ],
    series: { kl: series },
    storedBytes: Math.round(share * 23_592_960),
    denseBytes: 23_592_960,
    decodeTokensPerSecond: 60 - 15 * share + wave(p, i),
    ...{ prefillMs: 100, compressMs: 5, measureMs: 300 },
  };
};

const needle = (i: number, length: number, depth: number, n: number): EvalResult => {
  const [spec, share, cost] = SPECS[i]!;
  const isHit = wave(length + n, depth + i) > 12 * cost - 1.1;
  const { storedBytes: _, ...more } = continuation(i, n);
  return {
    ...more,
    ...{ spec, protocol: "needle", passage: `${length} tokens, depth ${depth}, ${n}` },
    labels: { length, depth },
    values: [
      { task: "needle", metric: "needle", value: Number(isHit) },
      { task: "needle", metric: "answer_nll", value: 0.1 + 8 * cost },
    ],
    series: {},
    storedBytes: Math.round(share * 23_592_960),
  };
};

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

/** Continuations, and needles of three lengths; two specs answer every needle. */
export const FIXED_RESULTS: readonly EvalResult[] = range(SPECS.length).flatMap((i) => [
  ...range(PASSAGES).map((p) => continuation(i, p)),
  ...[1024, 2048, 4096].flatMap((length) =>
    [0, 0.25, 0.5, 0.75, 1].flatMap((depth) => range(2).map((n) => needle(i, length, depth, n)))
  ),
]);

const [LAYERS, HEADS, HEAD_DIM, TOKENS] = [30, 3, 64, 600];

const chosen = (n: number, keeps: (i: number) => boolean) => range(n).filter(keeps);

/** What three of the specs keep of a text: channels, tokens, and both with values' channels. */
export const FIXED_KEPT: KeptMaps = {
  passage: "the prompt of continuation, passage <1>",
  tokens: range(TOKENS).map((i) => ["Call", " me", " Ishmael", ".", " Some", " years\n"][i % 6]!),
  headDim: HEAD_DIM,
  specs: [0, 1, 4, 9].map((spec) => ({
    spec: SPECS[spec]![0],
    layers: range(LAYERS).map((layer) => ({
      heads: range(HEADS).map((head) => ({
        keptChannels: [1, 9].includes(spec)
          ? chosen(HEAD_DIM, (c) => wave(c, layer + head) + c / 64 > 0.4)
          : null,
        keptValueChannels: spec === 9 ? chosen(HEAD_DIM, (c) => wave(c, head - layer) > 0) : null,
        keptTokens: spec > 1
          ? chosen(TOKENS, (t) => t < 4 || t > 560 || wave(t, 1) + wave(t, layer + head) > 0.7)
          : null,
      })),
    })),
  })),
};

const COUNTS = [8, 16, 32, 48];

/** What every head was measured at, and was given. */
export const FIXED_CALIBRATION: CalibrationFile = {
  ...{ format: "kerf budgets 1", spec: "think:ratio=0.5", value: 0.5, counts: "key channels" },
  ...{ model: FIXED_IDENTITY.model, modelSha256: FIXED_IDENTITY.modelSha256, uniform: 32 },
  kept: range(LAYERS).map((layer) => range(HEADS).map((head) => COUNTS[(layer + head) % 4]!)),
  ...{ per: "head", commit: FIXED_IDENTITY.commit, machine: FIXED_IDENTITY.machine },
  ...{ nPrompt: 1024, nFed: 32, passages: ["chapter 16", "passage <2>"], measuredCounts: COUNTS },
  kl: range(LAYERS * HEADS).map((i) => COUNTS.map((n) => 0.26 * (1 + wave(i, 1)) / (n * n))),
};
