/** Attention gives the same bits on every instruction set of this machine, prefill and decode alike. */

import { assertEquals } from "@std/assert";
import { testIsas } from "../../src/device/testing.ts";
import { decode, prefill } from "../_attention.ts";
import { CHANNEL_CLASSES, CLASSES, LISTED, problem } from "../_attention_case.ts";
import type { Case, Problem } from "../_attention_case.ts";
import { runPicked } from "../_kernel.ts";

const coded = (keys: string, values: string): Partial<Case> => ({
  layout: `k_list_${keys}t16_f16t16_v_${values}t1_f16t1`,
  ...{ nListed: 192, nCoded: 192, width: 26 },
});

const CASES: Readonly<Record<string, Partial<Case>>> = {
  "a list of channels": { layout: LISTED, nListed: 200, width: 26 },
  "values with a list": { layout: "k_f16t16_v_list_f16t1_f16t1", nListed: 200, width: 39 },
  "codes of 2 and 4 bits": coded("q2r32", "q4c16"),
  "codes of 4 and 8 bits": coded("q4r16", "q8c32"),
  "codes of 8 and 2 bits, scales of rows": {
    // Narrow heads: of 64 channels GCC compiles this prefill for a quarter of a minute below AVX-512.
    ...{ ...coded("q8c16", "q2c32"), headDim: 32, width: 19, q8: true },
  },
  "rows in classes": { layout: CLASSES, nCoded: 256, nFirst: 64 },
  "whole numbers": {
    ...{ layout: CHANNEL_CLASSES, rows: 371, nListed: 320, nCoded: 320, nFirst: 128 },
    ...{ width: 40, high: 17, q8: true },
  },
  "halves that meet bf16": { layout: LISTED, nListed: 200, width: 25, q8: true },
};

/** Queries of which some give weights next to nothing, which no product may make subnormal. */
const faint = (p: Problem): Problem => ({
  ...p,
  qkv: p.qkv.map((x, i) => i % 7 === 0 ? x * 2 ** -70 : i % 11 === 0 ? 40 * x : x),
});

for (const [name, given] of Object.entries(CASES)) {
  Deno.test(`every instruction set gives the same bits: ${name}`, async () => {
    const p = problem({ rows: 301, nQuery: 10, ...given });
    for (const each of given.q8 ? [p, faint(p)] : [p]) {
      let first: Float32Array | undefined;
      for (const isa of await testIsas({ dots: p.q8 })) {
        const run = runPicked({ isa });
        const out = await prefill(each, run);
        assertEquals(await decode(each, run), out.slice(-out.length / p.nQuery), `decode, ${isa}`);
        assertEquals(out, first ??= out, isa);
      }
    }
  });
}
