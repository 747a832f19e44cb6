/**
 * Random well-typed expressions of every operation have, on every target, a value within the running error
 * bound of src/ir/error_bound.ts: the interpreter's bits wherever the target promises them, both branches
 * where a comparison is too close to call. Whole numbers and conditions that follow from certain values
 * are equal. Contraction is off where it can be.
 *
 * The targets are the folder's: each has a file in tests/expressions/ that builds and runs kernels of
 * expressions.
 */

import { assert } from "@std/assert";
import fc from "fast-check";
import { EMIT_TARGETS } from "../src/emit/targets/mod.ts";
import { encloses, isExact, isFinite, magnitude } from "../src/ir/enclosure.ts";
import type { Enclosure } from "../src/ir/enclosure.ts";
import { errorBounds } from "../src/ir/error_bound.ts";
import { interpret } from "../src/ir/interpret.ts";
import { printFunc } from "../src/ir/print.ts";
import { arbitraryFunc } from "../src/ir/testing.ts";
import { type Results, type Sample, samplesOf } from "./expressions/sample.ts";

const SEED = 20261122;
const N_EXPRESSIONS = 2000;

/** Deep enough that errors meet each other, shallow enough that most stay small. */
const MAX_NODES = 14;

/** What each file of tests/expressions/ exports. */
interface Runner {
  readonly ignore: boolean;
  run(samples: readonly Sample[]): Promise<Results>;
}

const funcs = fc.sample(arbitraryFunc({ maxNodes: MAX_NODES }), {
  numRuns: N_EXPRESSIONS,
  seed: SEED,
});
const samples = samplesOf(funcs, { seed: SEED });

/** Whether few values are within a bound: an error of 2⁻¹², or nothing but the one whole number. */
const isTight = (bound: Enclosure): boolean =>
  isExact(bound) || (isFinite(bound) && bound.high - bound.low <= 2 ** -12 * magnitude(bound));

function describe({ func, lanes }: Sample, lane: number): string {
  const args = func.params.map(({ name }, i) => `${name} = ${lanes[lane]![i]}`);
  return `\n${printFunc(func, { spans: false })}\n${args.join(", ")}`;
}

for (const { name, arithmetic } of EMIT_TARGETS) {
  const { run, ignore }: Runner = await import(`./expressions/${name}.ts`);
  Deno.test({
    name: `${N_EXPRESSIONS} random expressions as ${name} are within their error bounds`,
    ignore,
    // What a graphics driver holds from the first use on is no test's leak.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const results = await run(samples);
      const counts = { all: 0, tight: 0 };
      samples.forEach((sample, n) =>
        sample.lanes.forEach((args, lane) => {
          const bounds = errorBounds(sample.func, args, arithmetic);
          const expected = interpret(sample.func, args, { mode: "f32" });
          sample.func.results.forEach((id, i) => {
            const [bound, value] = [bounds[id]!, results[n]![lane]![i]!];
            const about = () => `of expression ${n}, result ${i}:${describe(sample, lane)}`;
            const range = `${bound.low} … ${bound.high}`;
            assert(encloses(bound, expected[i]!), `${range} lacks ${expected[i]} ${about()}`);
            assert(encloses(bound, value), `${value} is not within ${range} ${about()}`);
            counts.all++;
            if (isTight(bound)) counts.tight++;
          });
        })
      );
      // On C nearly all; where NaN, infinities and overflow promise nothing, five of six.
      assert(
        counts.tight > 0.8 * counts.all,
        `only ${counts.tight} of ${counts.all} bounds are tight`,
      );
    },
  });
}
