/**
 * The cache append that keeps the last queries, as C: its rings are the declared accumulators however the
 * rows were cut into steps, and all else is the plain append's, which is held to the author's function.
 */

import { assertEquals } from "@std/assert";
import { testIsas } from "../../src/device/testing.ts";
import { runNamed } from "../_kernel.ts";
import { assertRecording } from "../_recording.ts";
import type { RecordingCase } from "../_recording.ts";

const LISTED = "k_list_f16t16_f16t16_v_f16t1";
const EVICTED = "k_f16t16_v_f16t1_evicted";
const CACHED = "k_f16t16_v_f16t1_cached_evicted";

const CODED = "k_q4r32t16_f16t16_v_q4c32t1_f16t1";
const TURNED = "k_basis_q4r64t16_basis_f16t16_v_basis_q4c64t1_basis_f16t1";
const CLASSES = "k_list_mean_q42r64t16_list_mean_q42r64t16_f16t16_v_q4c64t1_q2c64t1_f16t1";

const LAYOUTS = [
  "k_f16t16_v_list_f16t1_f16t1",
  "k_bitmap_mean_f16t1_f16t16_v_f16t1",
  ...[
    LISTED,
    EVICTED,
    `${EVICTED}_summed`,
    `${LISTED}_evicted`,
    "k_f32t16_v_f32t1",
    CACHED,
    CODED,
    TURNED,
    CLASSES,
  ],
];

const CASE: RecordingCase = {
  ...{ layout: LISTED, headDim: 32, nKvHeads: 2, group: 3 },
  ...{ windows: [16, 0], steps: [[20, 3], [20, 1], [0, 1], [5, 40], [1, 1]] },
};

const isas = await testIsas();

for (const isa of isas) {
  const check = (given: Partial<RecordingCase>) =>
    assertRecording(
      { ...CASE, ...given },
      (name, options) => runNamed(name, { ...options, isa }),
      assertEquals,
    );

  Deno.test(`append_recording on ${isa}: rings hold the last queries of every sequence`, async () => {
    for (const layout of LAYOUTS) {
      await check({ layout });
    }
  });

  Deno.test(`append_recording on ${isa}: windows below, at and above a step's rows`, async () => {
    for (const window of [1, 3, 20, 21, 64]) await check({ windows: [window, 0] });
  });

  Deno.test(`append_recording on ${isa}: two rings, one behind the other`, async () => {
    for (const windows of [[1, 32], [32, 1], [8, 9]] as const) await check({ windows });
  });

  Deno.test(`append_recording on ${isa}: query heads that share a KV head`, async () => {
    for (const group of [1, 3, 8]) await check({ group, headDim: 16 });
  });
}
