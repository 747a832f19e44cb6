/**
 * Every kernel once at the default model's sizes: 9 query and 3 KV heads of 64 channels, rows of 576 and 1536,
 * a vocabulary of 49152, a few hundred rows of context. The cases and bounds are those of the other files.
 */

import { PACKINGS } from "../../src/core/mod.ts";
import type { PackingName } from "../../src/core/mod.ts";
import type { Pairwise } from "../../src/dsl/pairwise.ts";
import { randomFrom } from "../_kernel.ts";
import { assertLargest } from "../_largest.ts";
import { gpu, modelSizeTest, runNamed, sources } from "../_gpu.ts";
import {
  CHANNEL_CLASSES,
  CODED,
  DENSE,
  LISTED,
  SETS,
  TURNED,
  variants,
} from "../_attention_case.ts";
import { checkAttention } from "./attention.ts";
import { assertSums } from "./column_sums.ts";
import { assertAppend, assertTurned } from "./append.ts";
import { assertRecorded, assertTurnedRecorded } from "./append_recording.ts";
import { assertBits, assertLosses } from "./channel_bits.ts";
import { byClass } from "../_encode_case.ts";
import { assertDecoded, assertEncoded } from "./codes.ts";
import { assertChosen, assertKept, assertOrdered } from "./eviction.ts";
import { EVICTED } from "../_gpu_eviction.ts";
import { assertClassScores, assertRowScores } from "./token_scores.ts";
import { assertEmbedding, assertProduct, products } from "./matmul.ts";
import { assertMoved } from "./move_rows.ts";
import { assertPacked, storages } from "./pack.ts";
import { assertExpected } from "./query_moments.ts";
import { assertPairwise, assertRowwise, rowwiseValues } from "./rowwise.ts";
import { assertStrips } from "./strips.ts";
import { assertOutputs, assertOutputScores, VALUES } from "./values.ts";
import { assertArgMax, assertScores, assertSelected, prunings } from "./selection.ts";
import { assertFilled, assertMeans, assertThinned } from "./set_rows.ts";

const [HEAD_DIM, N_HEADS, D_MODEL, D_FF, N_VOCAB] = [64, 9, 576, 1536, 49152];
const SUMMED = `${EVICTED}_summed`;
const QKV = (N_HEADS + 2 * 3) * HEAD_DIM;

/** What the model's embedding and head are packed as. */
const HEAD_PACKING: PackingName = "q8_f16_g32";

modelSizeTest("SmolLM2: row-wise and pairwise kernels", async () => {
  for (const definition of rowwiseValues) {
    await assertRowwise(definition, { nRows: 33, width: D_MODEL });
  }
  for (const { definition } of sources) {
    if (definition.kind === "pairwise") {
      await assertPairwise(definition as Pairwise, { headDim: HEAD_DIM, nHeads: N_HEADS });
    }
  }
});

modelSizeTest("SmolLM2: matrix products", async () => {
  for (const name of Object.keys(PACKINGS) as PackingName[]) {
    for (const definition of products) {
      // What is added to comes behind attention and the feed-forward layer.
      const { inputs, products } = definition;
      const shape = inputs.length > 0
        ? { nRows: 9, nIn: D_FF, nOut: D_MODEL }
        : { nRows: 1, nIn: D_MODEL, nOut: products.length > 0 ? D_FF : QKV };
      await assertProduct(definition, name, shape);
    }
    await assertLargest(runNamed, {
      ...{ packing: name, q8: false },
      ...{ nRows: 1, nIn: D_MODEL, nOut: D_FF },
    });
  }
});

if (gpu().runStrip !== undefined) {
  modelSizeTest("SmolLM2: strips of matrix products", async () => {
    for (const name of Object.keys(PACKINGS) as PackingName[]) {
      for (const definition of products) {
        const shape = { nRows: 65, nIn: D_FF, nOut: D_MODEL };
        await assertStrips(definition, name, { shape, width: 400 });
      }
    }
  });
}

modelSizeTest("SmolLM2: the head and the embedding", async () => {
  // Rows repeat after seven groups, which divide neither the vocabulary nor a block's work.
  const shape = { nIn: D_MODEL, nOut: N_VOCAB, period: 112 };
  const head = products.find(({ name }) => name === "matmul")!;
  await assertProduct(head, HEAD_PACKING, { ...shape, nRows: 2 });
  const tokens = Uint32Array.of(0, N_VOCAB - 1, 112, 30000, 15, 16, 24575, 24576);
  for (const name of Object.keys(PACKINGS) as PackingName[]) {
    const table = name === HEAD_PACKING ? shape : { ...shape, nOut: 1120 };
    const fitting = tokens.map((token) => token % table.nOut);
    await assertEmbedding(name, { ...table, cut: table.nOut / 2, tokens: fitting });
  }
  const random = randomFrom(1);
  const logits = () => Array.from({ length: N_VOCAB }, () => Math.fround(20 * random()));
  await assertArgMax([logits(), logits()]);
});

modelSizeTest("SmolLM2: attention", async () => {
  for (const variant of variants) {
    const shape = { variant, headDim: HEAD_DIM, group: 3, nKvHeads: 3, rows: 400, nQuery: 21 };
    await checkAttention({ ...shape, layout: DENSE });
    await checkAttention({ ...shape, layout: LISTED, nListed: 300, width: 32 });
    await checkAttention({ ...shape, layout: EVICTED });
  }
  const shape = { headDim: HEAD_DIM, group: 3, nKvHeads: 3, rows: 400, nQuery: 21 };
  await assertSums(shape);
  await assertSums({ ...shape, layout: "k_f16t16_v_basis_f16t1_evicted_summed" });
  const keys = { nListed: 320, width: 45, high: 17 };
  for (const layout of [CODED, TURNED, CHANNEL_CLASSES]) {
    const listed = layout === CHANNEL_CLASSES ? keys : {};
    await checkAttention({ ...shape, layout, nCoded: 320, nFirst: 64, ...listed });
  }
  await checkAttention({ ...shape, layout: VALUES, nListed: 300, width: 45 });
  await checkAttention({ ...shape, layout: SETS, nListed: 300, width: 32 });
});

modelSizeTest("SmolLM2: the kernels around a cache", async () => {
  const stored = [DENSE, LISTED, CODED, CHANNEL_CLASSES, SETS, EVICTED, SUMMED, VALUES];
  for (const layout of stored) {
    await assertAppend(layout, { headDim: HEAD_DIM, rows: 300, nNew: 40 });
  }
  for (
    const pair of ["f16t16__list_f16t16", "f16t16__f16t16", "f16t1__f16t1", "f16t1__list_f16t1"]
  ) {
    await assertMoved(pair, { source: 5, destination: 0, rows: 190 }, { headDim: HEAD_DIM });
  }
  const few = { source: 5, destination: 0, rows: 90 };
  await assertMoved("list_f16t1__f16t1", few, { headDim: HEAD_DIM });
  for (const pair of ["f16t16__f16t16", "f16t1__f16t1"]) {
    await assertMoved(pair, few, { headDim: HEAD_DIM, ordered: true });
  }
  await assertThinned({ rows: [190, 40], width: 32, before: 7 });
  await assertFilled({ rows: [190, 40], width: 32, before: 7 });
  await assertMeans({ rows: [400, 1] });
  const rows = [320, 128, 64];
  for (const group of [32, 64]) {
    await assertEncoded({ stream: "key", to: `q4r${group}t16`, rows });
    await assertEncoded({ stream: "value", to: `q4c${group}t1`, rows });
    await assertDecoded({ stream: "key", from: `q4r${group}t16`, rows });
    await assertDecoded({ stream: "value", from: `q4c${group}t1`, rows });
  }
  const order = rows.map(byClass);
  const bits = "list_mean_q42r64t16";
  const channels = Array.from({ length: HEAD_DIM }, (_, c) => c).filter((c) => c % 3 !== 1);
  await assertEncoded({ stream: "key", to: bits, rows, order, channels, high: 17 });
  await assertDecoded({ stream: "key", from: bits, rows, channels, high: 17 });
  await assertLosses({
    ...{ rows: 600, nRows: 512, headDim: HEAD_DIM, nKvHeads: 3 },
    ordered: true,
  });
  await assertBits({ headDim: HEAD_DIM, nKvHeads: 3, share: 0.5 });
  for (const to of ["q4c64t1", "q2c64t1"]) {
    await assertEncoded({ stream: "value", to, rows, order });
    await assertDecoded({ stream: "value", from: to, rows });
  }
  await assertOrdered(400);
  const classes = { layout: CHANNEL_CLASSES, headDim: HEAD_DIM, rows: 400, window: 32 };
  await assertClassScores({ ...classes, listed: 320, coded: [320, 64] });
  await assertTurned(TURNED, { headDim: HEAD_DIM, rows: 300, nNew: 40 });
  const shape = { headDim: HEAD_DIM, nKvHeads: 3, group: 3 };
  const recorded = { ...shape, windows: [32, 0], steps: [[200, 16], [1, 1]] } as const;
  await assertRecorded(recorded);
  await assertRecorded(recorded, [VALUES]);
  await assertTurnedRecorded(recorded, TURNED);
  await assertOutputs({ ...shape, rows: 400, nWindow: 32 });
  await assertOutputScores({ ...shape, rows: 0, nWindow: 32 });
  for (const definition of prunings) {
    await assertScores(definition, { headDim: HEAD_DIM, rows: 400, nWindow: 32 });
  }
  await assertSelected({ headDim: HEAD_DIM, widths: [64, 32, 1, 19, 45, 63] });
});

modelSizeTest("SmolLM2: eviction", async () => {
  const shape = { headDim: HEAD_DIM, rows: 400, window: 32 };
  await assertRowScores(shape);
  await assertChosen(1000);
  await assertKept(shape);
  await assertKept({ ...shape, layout: SUMMED });
  await assertExpected({ headDim: HEAD_DIM, nKvHeads: 3, steps: [[40, 9], [1, 1]], rows: 200 });
});

modelSizeTest("SmolLM2: packing", async () => {
  for (const storage of storages) {
    await assertPacked(storage, { nOut: QKV, nIn: 768, headDim: HEAD_DIM });
  }
});
