import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import type { EvalResult } from "./results.ts";
import { compareNeighbours, reportOf, reportOfLengths, reportsByLength } from "./summary.ts";

const result = (spec: string, passage: string, values: Record<string, number>): EvalResult => ({
  ...{ spec, protocol: "continuation", passage, caseSha256: "" },
  values: Object.entries(values).map(([metric, value]) => ({
    task: metric.startsWith("kl") ? "kl" : "ppl",
    metric,
    value,
  })),
  ...{ storedBytes: 10, denseBytes: 40, decodeTokensPerSecond: passage === "a" ? 3 : 5 },
  ...{ prefillMs: 0, compressMs: 0, measureMs: 0 },
});

Deno.test("a report has a row for every number and a summary for every metric", () => {
  const results = [
    result("x", "a", { nll: 1, ppl: Math.E, kl: 0.1 }),
    result("x", "b", { nll: 3, ppl: Math.E ** 3, kl: 0.3 }),
  ];
  const { rows, summary } = reportOf(results, { tasks: ["ppl", "kl"], seed: 1 });
  assertEquals(rows.length, 6);
  assertEquals(rows[0], { spec: "x", task: "ppl", metric: "nll", passage: "a", value: 1 });
  const of = (metric: string) => summary.find((item) => item.metric === metric)!;
  assertEquals(Object.keys(of("nll")), [
    ...["spec", "task", "metric", "mean", "low", "high", "n"],
    ...["storedBytes", "denseBytes", "decodeTokensPerSecond"],
  ]);
  assertEquals([of("nll").mean, of("nll").n, of("nll").storedBytes], [2, 2, 20]);
  assertEquals(of("nll").decodeTokensPerSecond, 4);
  // The mean of perplexities is that of their logarithms: e^2, not (e + e³) / 2.
  assertAlmostEquals(of("ppl").mean, Math.E ** 2, 1e-12);
  assertEquals(reportOf(results, { tasks: ["kl"], seed: 1 }).rows.length, 2);
});

Deno.test("specs are told apart by what they differ in on the same passages", () => {
  const passages = ["a", "b", "c", "d", "e", "f"];
  const results = passages.flatMap((passage, i) => [
    result("low", passage, { kl: 0.1 * i }),
    // Always higher, though its range is that of the first.
    result("higher", passage, { kl: 0.1 * i + 0.02 }),
    // As high on the mean, here higher, there lower.
    result("alike", passage, { kl: 0.1 * i + 0.021 + (i % 2 === 0 ? 0.1 : -0.1) }),
    // Always higher, by less than two arithmetics differ.
    result("noise", passage, { kl: 0.1 * i + 0.003 }),
  ]);
  const report = reportOf(results, { tasks: ["kl"], seed: 3 });
  const found = compareNeighbours(report, { task: "kl", metric: "kl", seed: 3 });
  assertEquals(found.map(({ a, b, isSame }) => [a, b, isSame]), [
    ["low", "noise", true],
    ["noise", "higher", false],
    ["higher", "alike", true],
  ]);
  assert(found[1]!.difference.low > 0.016);
  assertEquals(new Set(found.map(({ n }) => n)), new Set([passages.length]));
});

Deno.test("prompts of several lengths have a report a length, of one none", () => {
  const at = (length: number, kl: number): EvalResult => ({
    ...result("x", `${length} tokens, ${kl}`, { kl }),
    labels: { length },
  });
  const results = [at(2048, 4), at(512, 1), at(2048, 2), result("x", "a", { nll: 1 })];
  const of = (results: EvalResult[]) => reportsByLength(results, { task: "kl", seed: 1 });
  assertEquals(
    of(results).map(({ length, report: { summary } }) => [length, summary[0]!.mean, summary[0]!.n]),
    [[512, 1, 1], [2048, 3, 2]],
  );
  assertEquals(of(results.slice(1, 2)), []);
  const options = { tasks: ["ppl", "kl"], seed: 1 };
  const { rows, summary } = reportOfLengths(results, options);
  assertEquals(
    summary.map(({ task, length, mean, n }) => [task, length, mean, n]),
    [["ppl", undefined, 1, 1], ["kl", 512, 1, 1], ["kl", 2048, 3, 2]],
  );
  assertEquals(rows, reportOf(results, options).rows);
  assertEquals(reportOfLengths(results.slice(1, 2), options).summary[0]!.length, undefined);
});
