/**
 * Counts of the scores that are enough, held to their reference on any target: lists that are flat, steep,
 * with repeats, zeros, and what is no number. Counts are whole numbers and must be equal.
 */

import { assertEquals } from "@std/assert";
import { massParts } from "../src/dsl/mod.ts";
import type { EnoughRule } from "../src/dsl/mod.ts";
import { countEnoughReference } from "../src/reference/mod.ts";
import { randomFrom } from "./_kernel.ts";
import type { RunKernel } from "./_kernel.ts";

/** Ways to fill a list of `n` scores. */
const SCORES: Readonly<Record<string, (n: number) => Float32Array>> = {
  // As attention spreads: most of the mass in few rows, a long tail.
  steep: (n) => {
    const random = randomFrom(n);
    return Float32Array.from({ length: n }, () => Math.abs(random()) ** 9);
  },
  flat: (n) => new Float32Array(n).fill(0.3),
  repeated: (n) => {
    const random = randomFrom(n + 1);
    return Float32Array.from({ length: n }, () => Math.round(8 * Math.abs(random())) / 8);
  },
  // Half of the mass is one score and a half of the least mass there is.
  halves: (n) => Float32Array.from({ length: n }, (_, i) => [1, 1, 2 ** -23][i - (n >> 1)] ?? 0),
  // One beside which all others are below a unit, or a few of them.
  outlier: (n) => Float32Array.from({ length: n }, (_, i) => i === n >> 1 ? 3e7 : 1 + i % 7),
  signed: (n) => {
    const random = randomFrom(n + 2);
    return Float32Array.from({ length: n }, (_, i) => [random(), -0, NaN, 0, -1e30][i % 5]!);
  },
  infinite: (n) => Float32Array.from({ length: n }, (_, i) => i % 3 === 1 ? Infinity : 1e38),
  nothing: (n) => Float32Array.from({ length: n }, (_, i) => -i),
  small: (n) => Float32Array.from({ length: n }, (_, i) => 2 ** -(90 + i % 26)),
};

const RULES: readonly EnoughRule[] = [
  { kind: "mass", amount: 0, least: 1 },
  { kind: "mass", amount: 0.5, least: 1 },
  { kind: "mass", amount: 0.95, least: 12 },
  { kind: "mass", amount: 1, least: 1 },
  { kind: "atLeast", amount: 0.25, least: 1 },
  { kind: "atLeast", amount: -1, least: 1 },
  { kind: "ofLargest", amount: 0.1, least: 1 },
  { kind: "ofLargest", amount: 1, least: 30 },
];

const LAYER = 1;
const UNREAD = 9999;

/** Counts of two KV heads of `n` rows and fewer, whose lists begin at `firstList`. */
async function checkCount(
  rule: EnoughRule,
  { scores, n, firstList, run }: {
    readonly scores: string;
    readonly n: number;
    readonly firstList: number;
    readonly run: RunKernel;
  },
): Promise<void> {
  const rows = [n, Math.ceil(n / 2)];
  const lists = rows.map((own) => SCORES[scores]!(own));
  const most = rows.map((own, h) => h === 0 ? own : Math.max(5, own - 3));
  const options = { multiple: n % 2 === 0 ? 4 : 1, first: 2, last: 1, takesTies: n % 3 === 1 };
  const candidate_scores = new Float32Array((firstList + 2) * n).fill(NaN);
  lists.forEach((list, h) => candidate_scores.set(list, (firstList + h) * n));
  const cuts = Uint32Array.from([
    ...Array(8).fill(UNREAD),
    ...rows.flatMap((own, h) => [3, own, most[h]!, 7]),
  ]);
  const { cuts: got } = await run(rule.kind === "mass" ? "count_mass" : "count_above", {
    buffers: { candidate_scores, cuts },
    constants: {
      ...{ layer: LAYER, n_kv_heads: 2, max_rows: n, first_list: firstList },
      ...{ protect_first: options.first, protect_last: options.last },
      ...{ least: rule.least, multiple: options.multiple },
      ...(rule.kind === "mass"
        ? { mass: massParts(rule.amount), takes_ties: Number(options.takesTies) }
        : { lowest: rule.amount, relative: Number(rule.kind === "ofLargest") }),
    },
    ...{ defines: {}, step: {} },
  });
  const want = rows.map((_, h) =>
    countEnoughReference(lists[h]!, { ...options, rule, most: most[h]! })
  );
  assertEquals(
    [...got!],
    [...Array(8).fill(UNREAD), ...rows.flatMap((own, h) => [3, own, want[h]!, 7])],
    `${JSON.stringify(rule)} of ${n} ${scores} scores`,
  );
}

/** Every rule on every kind of list of these lengths. */
export async function checkCounts(lengths: readonly number[], run: RunKernel): Promise<void> {
  for (const n of lengths) {
    for (const scores of Object.keys(SCORES)) {
      for (const rule of RULES) await checkCount(rule, { scores, n, firstList: n % 3, run });
    }
  }
}
