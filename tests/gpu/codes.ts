/**
 * Coded rows on a GPU: coding them gives the CPU's arena, every byte of it; attention over them is held to
 * the f64 reference over what codes stand for.
 */

import { assertEquals } from "@std/assert";
import { CHANNEL_CLASSES, CLASSES, CODED, ROW_SCALES, TURNED } from "../_attention_case.ts";
import { decodeRun } from "../_decode_case.ts";
import type { DecodeCase } from "../_decode_case.ts";
import { byClass, encodeRun } from "../_encode_case.ts";
import type { EncodeCase } from "../_encode_case.ts";
import { gpuTest, runNamed } from "../_gpu.ts";
import { runNamed as runOnCpu } from "../_kernel.ts";
import { checkAttention } from "./attention.ts";
import { assertOrdered } from "./eviction.ts";
import { assertClassScores } from "./token_scores.ts";
import { assertMoved } from "./move_rows.ts";

/** Rows coded as on the CPU. */
export async function assertEncoded(given: EncodeCase): Promise<void> {
  const { name, run } = encodeRun(given);
  const want = await runOnCpu(name, run);
  const got = await runNamed(name, run);
  assertEquals(got.arena, want.arena, JSON.stringify(given));
}

/** Rows made whole as on the CPU. */
export async function assertDecoded(given: DecodeCase): Promise<void> {
  const { name, run } = decodeRun(given);
  const want = await runOnCpu(name, run);
  const got = await runNamed(name, run);
  assertEquals(got.arena, want.arena, JSON.stringify(given));
}

const ODD = Array.from({ length: 64 }, (_, c) => c).filter((c) => c % 5 !== 2);

for (const bits of [2, 4, 8]) {
  gpuTest(`keys of all channels and of some become codes of ${bits} bits`, async () => {
    await assertEncoded({ stream: "key", to: `q${bits}r32t16`, rows: [128, 32, 0] });
    const to = `list_q${bits}r32t16`;
    await assertEncoded({ stream: "key", to, rows: [96, 32], coded: 64, channels: ODD });
  });

  gpuTest(`values become codes of ${bits} bits, the last group short, at any row`, async () => {
    await assertEncoded({ stream: "value", to: `q${bits}c32t1`, rows: [128, 31, 0], coded: 5 });
    await assertEncoded({ stream: "value", to: `q${bits}c32t1`, rows: [33], headDim: 80 });
  });
}

gpuTest("groups of 16 to 128 are coded, beside f32, and with positions", async () => {
  const key = { stream: "key" } as const;
  const value = { stream: "value" } as const;
  await assertEncoded({ ...key, to: "q4r16t16", rows: [48], coded: 112 });
  await assertEncoded({ ...key, to: "q2r128t16", rows: [256], headDim: 48 });
  await assertEncoded({ ...key, to: "list_q4r64t16", rows: [192], channels: [63], type: "f32" });
  await assertEncoded({ ...value, to: "q2c64t1", rows: [127], headDim: 128, type: "f32" });
  await assertEncoded({ ...key, to: "q4r64t16", rows: [64] });
  await assertEncoded({ ...value, to: "q4c64t1", rows: [40] });
  const sides = { positions: true, sums: true };
  await assertEncoded({ ...value, to: "q4c32t1", rows: [130, 7], coded: 100, ...sides });
});

gpuTest("keys are coded in two classes of channels, either of them empty", async () => {
  const key = { stream: "key", channels: [3, 7, 1, 40, 63, 2, 5, 62] } as const;
  const to = "list_mean_q42r64t16";
  for (const high of [0, 3, 8]) {
    await assertEncoded({ ...key, to, rows: [192, 0], high });
    await assertEncoded({ ...key, to, rows: [64], coded: 128, high, type: "f32" });
  }
  await assertEncoded({ ...key, to: "list_mean_q84r16t16", rows: [48], high: 2 });
  await assertEncoded({ ...key, to: "list_mean_q82r128t16", rows: [128], high: 5 });
});

gpuTest("rows are coded in an order of their own, from any place of it", async () => {
  const order = [130, 70].map(byClass);
  const key = { stream: "key", order } as const;
  await assertEncoded({ ...key, to: "q4r64t16", rows: [128, 64] });
  await assertEncoded({ ...key, to: "list_q2r32t16", rows: [96, 32], coded: 64, channels: ODD });
  const classes = { to: "list_mean_q42r64t16", channels: ODD, high: 20 };
  await assertEncoded({ ...key, ...classes, rows: [128, 64], coded: 64 });
  const value = { stream: "value", order } as const;
  await assertEncoded({ ...value, to: "q4c64t1", rows: [100, 0] });
  await assertEncoded({ ...value, to: "q2c64t1", rows: [31, 70], coded: 5 });
  await assertEncoded({ ...value, to: "q2c32t1", rows: [70, 9], coded: 100, positions: true });
});

gpuTest("rows in classes are ordered and scored as on the CPU", async () => {
  for (const rows of [5, 300]) await assertOrdered(rows);
  const shape = { layout: CLASSES, headDim: 32, rows: 300, window: 20 };
  await assertClassScores({ ...shape, coded: [192, 64] });
  await assertClassScores({ ...shape, rows: 40, coded: [0, 0] });
  await assertClassScores({ ...shape, layout: `${CLASSES}_evicted`, coded: [192, 64] });
  const bits = { ...shape, layout: CHANNEL_CLASSES };
  await assertClassScores({ ...bits, listed: 192, coded: [192, 64] });
});

gpuTest("coded keys become whole rows, channels that are not stored 0", async () => {
  const key = { stream: "key" } as const;
  for (const bits of [2, 4, 8]) {
    const from = `list_q${bits}r32t16`;
    await assertDecoded({ ...key, from, rows: [160, 96, 64], first: 64, channels: ODD });
  }
  await assertDecoded({ ...key, from: "q4r32t16", rows: [96, 0], to: 33 });
  await assertDecoded({ ...key, from: "q4r64t16", rows: [64] });
  await assertDecoded({ ...key, from: "q2r128t16", rows: [256], headDim: 48, to: 128 });
  await assertDecoded({ ...key, from: "list_q4r16t16", rows: [48], channels: [63], type: "f32" });
});

gpuTest("coded values become whole rows, the last group short, with positions", async () => {
  const value = { stream: "value" } as const;
  for (const bits of [2, 4, 8]) {
    await assertDecoded({ ...value, from: `q${bits}c32t1`, rows: [33], headDim: 80, first: 1 });
  }
  await assertDecoded({ ...value, from: "q2c64t1", rows: [127], headDim: 128, type: "f32", to: 5 });
  await assertDecoded({ ...value, from: "q4c32t1", rows: [130, 7], first: 3, to: 100 });
  await assertDecoded({ ...value, from: "q4c64t1", rows: [33] });
  const sides = { positions: true, sums: true };
  await assertDecoded({ ...value, from: "q4c32t1", rows: [130, 7], to: 9, ...sides });
});

gpuTest(
  "keys in classes of channels become whole rows, means where nothing is stored",
  async () => {
    const channels = [3, 7, 1, 40, 63, 2, 5, 62];
    const key = { stream: "key", from: "list_mean_q42r64t16", channels } as const;
    for (const high of [0, 3, 8]) {
      await assertDecoded({
        ...key,
        rows: [192, 64],
        first: 64,
        to: 40,
        high,
      });
    }
    await assertDecoded({ ...key, rows: [64], high: 5, type: "f32" });
    await assertDecoded({ stream: "value", from: "q2c64t1", rows: [33] });
  },
);

gpuTest("values of a list become codes, and whole rows again, other channels 0", async () => {
  const channels = Array.from({ length: 64 }, (_, c) => c).filter((c) => c % 4 !== 2);
  const value = { stream: "value", channels } as const;
  for (const bits of [2, 4, 8]) {
    const segment = `list_q${bits}c32t1`;
    await assertEncoded({ ...value, to: segment, rows: [128, 31, 0], coded: 5 });
    await assertDecoded({ ...value, from: segment, rows: [130, 31], first: 3, to: 9 });
  }
  const evicted = { ...value, rows: [33], type: "f32", positions: true } as const;
  await assertEncoded({ ...evicted, to: "list_q4c64t1" });
  await assertDecoded({ ...evicted, from: "list_q4c64t1" });
});

gpuTest("whole values move beside coded ones, with what they carry", async () => {
  for (const type of ["f16", "f32"]) {
    for (const sides of ["", "_positions", "_positions_sums"]) {
      await assertMoved(`${type}t1__${type}t1${sides}`, { source: 37, destination: 3, rows: 140 });
    }
  }
});

/** Codes of both streams, as `kivi` lays them out. */
const coded = (key: string, value: string) => `k_${key}t16_f16t16_v_${value}t1_f16t1`;

gpuTest("attention over codes of 2, 4 and 8 bits, groups of 16 to 128", async () => {
  await checkAttention({ layout: coded("q2r16", "q2c128"), rows: 61, nQuery: 11, nCoded: 16 });
  await checkAttention({ layout: coded("q8r128", "q8c16"), rows: 301, nQuery: 9, nCoded: 256 });
  // Heads of 80 channels end in a short group of values.
  const shape = { headDim: 80, group: 4, nQuery: 9, layout: CODED };
  await checkAttention({ ...shape, rows: 365, nCoded: 320 });
  await checkAttention({ ...shape, rows: 20, nCoded: 0 });
  await checkAttention({ layout: TURNED, rows: 150, nQuery: 9, nCoded: 128 });
  const classes = { layout: CLASSES, nQuery: 9 };
  await checkAttention({ ...classes, rows: 361, nCoded: 320, nFirst: 64 });
  const evicted = { ...classes, layout: `${CLASSES}_evicted`, ahead: 100 };
  await checkAttention({ ...evicted, rows: 261, nCoded: 192, nFirst: 64 });
  await checkAttention({ ...classes, rows: 141, nCoded: 128, nFirst: 128 });
  const wide = { group: 8, headDim: 128, rows: 300, nQuery: 9, nCoded: 256 };
  await checkAttention({ ...wide, layout: coded("q4r64", "q2c64") });
});

gpuTest("keys are coded along channels, and whole rows again", async () => {
  const key = { stream: "key", channels: ODD } as const;
  const list = { ...key, to: "list_q2c32t16", rows: [96, 32], coded: 64 };
  await assertEncoded({ ...list, order: [130, 70].map(byClass) });
  await assertDecoded({ ...key, from: "list_q2c32t16", rows: [144, 96], first: 16, to: 5 });
  await assertEncoded({ stream: "key", to: "q4c32t16", rows: [48, 16, 0], coded: 80 });
  await assertEncoded({ stream: "key", to: "q8c128t16", rows: [32], headDim: 48, type: "f32" });
});

gpuTest("attention over keys whose rows have scales of their own", async () => {
  const rows = { rows: 301, nQuery: 9, nListed: 272, nCoded: 272 };
  const given = { ...rows, headDim: 80, group: 4, layout: coded("list_q2c32", "q2c32") };
  for (const width of [80, 39]) await checkAttention({ ...given, width });
  await checkAttention({ layout: coded("q8c16", "q8c16"), rows: 31, nCoded: 16 });
  const shape = { headDim: 32, rows: 300, window: 20, coded: [192, 64] as const };
  await assertClassScores({ ...shape, layout: ROW_SCALES });
});

gpuTest("attention over two classes of channels, the others their means", async () => {
  const rows = { rows: 371, nQuery: 11, nListed: 320, nCoded: 320, nFirst: 128 };
  const given = { ...rows, layout: CHANNEL_CLASSES };
  for (const [width, high] of [[40, 17], [64, 64], [33, 0], [0, 0]]) {
    await checkAttention({ ...given, width: width!, high: high! });
  }
  await checkAttention({ ...given, rows: 30, nListed: 0, nCoded: 0, nFirst: 0 });
  const layout = "k_list_mean_q84r16t16_f32t16_v_q2c32t1_f16t1";
  const keys = { layout, width: 40, high: 9, nListed: 96, nCoded: 64, nFirst: 0 };
  for (const [group, headDim] of [[1, 48], [4, 80], [8, 128]]) {
    await checkAttention({ ...rows, ...keys, group: group!, headDim: headDim!, rows: 127 });
  }
});

gpuTest("codes of one stream, of kept channels, of rows with gaps, beside f32", async () => {
  const given = { rows: 340, nQuery: 9, nCoded: 288 };
  await checkAttention({ ...given, layout: "k_q4r32t16_f16t16_v_f16t1" });
  const evicted = "k_q2r32t16_f32t16_v_q2c32t1_f32t1_evicted";
  await checkAttention({ ...given, layout: evicted, ahead: 200 });
  const listed = "k_list_f16t16_f16t16_v_q4c32t1_f16t1";
  await checkAttention({ ...given, layout: listed, nListed: 300, width: 26 });
  for (const [bits, group, width] of [[2, 32, 48], [8, 64, 16]]) {
    const values = `k_f16t16_v_list_q${bits}c${group}t1_f16t1`;
    await checkAttention({ ...given, layout: values, nListed: 203, width: width! });
  }
  const composed = "k_list_q2r32t16_f16t16_v_list_q4c32t1_f16t1_evicted";
  await checkAttention({ ...given, layout: composed, nListed: 288, width: 48, ahead: 200 });
  for (const [nListed, width] of [[32, 39], [288, 1], [288, 64]]) {
    const layout = coded("list_q2r32", "q2c32");
    const kept = { nListed: nListed!, nCoded: nListed!, width: width! };
    await checkAttention({ ...given, ...kept, layout });
  }
});
