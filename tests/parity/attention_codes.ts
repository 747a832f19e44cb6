/** Attention as C over rows that are codes, in one class or in two, beside rows that are whole. */

import { assertAttention } from "../_attention.ts";
import { CHANNEL_CLASSES, CLASSES, EMPTY, EMPTY_TURNED } from "../_attention_case.ts";
import type { Case } from "../_attention_case.ts";
import { runPicked } from "../_kernel.ts";

const check = (given: Partial<Case>) => assertAttention(given, { run: runPicked(), exact: true });

/** Codes of both streams beside halves. */
const coded = (key: string, value: string) => `k_${key}t16_f16t16_v_${value}t1_f16t1`;

Deno.test("coded keys and values of 2, 4 and 8 bits, groups of 16 to 128, cuts of their own", async () => {
  for (const bits of [2, 4, 8]) {
    for (const [group, nCoded] of [[16, 16], [32, 96], [64, 320], [128, 256]] as const) {
      const layout = coded(`q${bits}r${group}`, `q${bits}c${group}`);
      await check({ layout, rows: nCoded + 45, nQuery: 11, nCoded });
    }
    // Heads of 80 channels end in a short group of values.
    const shape = { headDim: 80, group: 4, nQuery: 9 };
    const layout = coded(`q${bits}r32`, `q${bits}c32`);
    await check({ ...shape, layout, rows: 128 + 20, nCoded: 128 });
    await check({ ...shape, layout, rows: 20, nCoded: 0 });
  }
  for (const group of [1, 8]) {
    await check({ layout: coded("q4r32", "q2c64"), group, headDim: 128, rows: 300, nCoded: 256 });
  }
});

Deno.test("coded rows in two classes: values of unlike bits, cuts that coincide", async () => {
  const given = { layout: CLASSES, nQuery: 9 };
  for (const [nFirst, nCoded] of [[64, 320], [0, 128], [192, 192], [320, 640], [0, 0]] as const) {
    await check({ ...given, rows: nCoded + 41, nCoded, nFirst });
  }
  await check({ ...given, rows: 1, headDim: 128, group: 8, nKvHeads: 1, nQuery: 1 });
  const layout = "k_list_q2r32t16_list_q2r32t16_f16t16_v_q8c32t1_q2c32t1_f16t1";
  const rows = { nListed: 160, nCoded: 160, nFirst: 32, rows: 190, width: 26 };
  await check({ ...given, ...rows, layout, headDim: 80, group: 4 });
});

Deno.test("two classes of coded channels, the others their means, either class empty", async () => {
  const rows = { rows: 371, nQuery: 11, nListed: 320, nCoded: 320, nFirst: 128 };
  const given = { layout: CHANNEL_CLASSES, ...rows };
  for (const [width, high] of [[40, 17], [64, 64], [64, 0], [33, 33], [5, 0], [0, 0]] as const) {
    await check({ ...given, width, high });
  }
  await check({ ...given, rows: 30, nListed: 0, nCoded: 0, nFirst: 0 });
  for (const [group, headDim] of [[1, 48], [4, 80], [8, 128]] as const) {
    const keys = { width: 40, high: 9, nListed: 96, nCoded: 64, nFirst: 0 };
    const layout = "k_list_mean_q84r16t16_f32t16_v_q2c32t1_f16t1";
    await check({ ...given, group, headDim, rows: 127, ...keys, layout });
  }
});

Deno.test("keys whose rows have scales of their own, a list of them too, the last group short", async () => {
  const given = { nQuery: 9, rows: 300, nListed: 272, nCoded: 272, headDim: 80, group: 4 };
  const layout = coded("list_q2c32", "q2c32");
  for (const width of [80, 39, 1]) await check({ ...given, layout, width });
  await check({ ...given, layout, width: 39, rows: 20, nListed: 0, nCoded: 0 });
});

Deno.test("rows without values read as their mean, in whole chunks and in parts", async () => {
  const rows = { rows: 771, nQuery: 11, nCoded: 704, nFirst: 128 };
  await check({ ...rows, layout: EMPTY });
  await check({ ...rows, layout: EMPTY, rows: 140, nCoded: 128, nFirst: 0 });
  await check({ ...rows, layout: EMPTY, rows: 140, nCoded: 128, nFirst: 128 });
  await check({ ...rows, layout: `${EMPTY}_evicted`, group: 4, headDim: 80, ahead: 100 });
  await check({ ...rows, layout: EMPTY_TURNED, nListed: 704, width: 40, high: 17 });
});

Deno.test("codes of one stream only, of kept channels, of rows with gaps, beside f32", async () => {
  const given = { rows: 340, nQuery: 9, nCoded: 288 };
  const layouts = [
    "k_q4r32t16_f16t16_v_f16t1",
    "k_f16t16_v_q2c32t1_f16t1",
    "k_q2r32t16_f32t16_v_q2c32t1_f32t1",
    "k_q4r32t16_f16t16_v_q4c32t1_f16t1_evicted",
  ];
  for (const layout of layouts) await check({ ...given, layout });
  const listed = "k_list_f16t16_f16t16_v_q4c32t1_f16t1";
  await check({ ...given, layout: listed, nListed: 300, width: 26 });
  for (const [nListed, width] of [[32, 39], [288, 1], [288, 64]] as const) {
    const layout = coded("list_q2r32", "q2c32");
    await check({ ...given, layout, nListed, width, nCoded: nListed });
  }
});
