/**
 * Random expressions in both forms of the C target against the interpreter's f32 mode: the same bits for
 * every operation that IEEE fixes, over NaN, infinities, −0 and the ends of i32. Each expression runs one
 * value at a time, with sixteen values in the lanes, and with some of its arguments shared by the lanes.
 *
 * Transcendental functions are not fixed by IEEE; parity_math_test.ts holds them to an error bound.
 */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { testIsas } from "../src/device/testing.ts";
import { encloses, exactly } from "../src/ir/enclosure.ts";
import { interpret } from "../src/ir/interpret.ts";
import { arbitraryFunc, EXACT_OPS } from "../src/ir/testing.ts";
import { run } from "./expressions/c.ts";
import { LANES, samplesOf } from "./expressions/sample.ts";

const SEED = 20260801;
const N_FUNCS = 40;
const NONE: ReadonlySet<string> = new Set();

const funcs = fc.sample(arbitraryFunc({ ops: EXACT_OPS }), { numRuns: N_FUNCS, seed: SEED });

for (const isa of await testIsas()) {
  for (
    const [about, form, shared] of [
      ["one value at a time", "scalar", NONE],
      ["sixteen lanes", "lanes", NONE],
      ["lanes that share arguments", "lanes", new Set(["y", "j", "p"])],
    ] as const
  ) {
    Deno.test(`random expressions, ${about} (${isa}): the interpreter's bits`, async () => {
      const samples = samplesOf(funcs, { seed: SEED, shared });
      const results = await run(samples, { form, shared, isa });
      let compared = 0;
      samples.forEach(({ func, lanes }, n) =>
        lanes.forEach((args, lane) => {
          interpret(func, args, { mode: "f32" }).forEach((expected, i) => {
            const actual = results[n]![lane]![i]!;
            const about = `expression ${n}, lane ${lane}, result ${i}: ${actual}, not ${expected}`;
            assert(encloses(exactly(expected), actual), about);
            compared++;
          });
        })
      );
      assertEquals(compared, samples.reduce((sum, s) => sum + s.func.results.length * LANES, 0));
    });
  }
}
