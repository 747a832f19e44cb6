import { assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { formatRows } from "./report.ts";
import { rowOf, testName } from "./row.ts";
import { median, standardDeviation } from "./spread.ts";

const shared = {
  build_commit: "abc",
  machine: "cpu, 2 threads",
  backends: "CPU",
  model_type: "m",
  model_size: 9,
  model_n_params: 3,
  n_batch: 512,
  n_ubatch: 512,
  model_filename: "m.gguf",
  n_threads: 2,
  type_k: "f16",
  type_v: "f16",
  prune: "none",
};
const kv = { denseBytes: 200, storedBytes: 150, allocatedBytes: 256, peakBytes: 512 };
const samples = [10, 20, 40].map((ms) => ({ ms, tokensPerSecond: 1000 * 4 / ms, kv }));
const test = { nPrompt: 4, nGen: 0, nDepth: 64, nParallel: 1 };
const peer = (model: string) => ({
  options: { program: "p", model, threads: 2, cacheTypes: { key: "q8_0", value: "q8_0" } },
  runs: samples.map(() => ({ tokensPerSecond: 100, flashAttention: 1 as const })),
});
const row = rowOf(shared, test, { samples, peers: [peer("/a/m.gguf")], peakRssBytes: 9 });

Deno.test("median and spread", () => {
  assertEquals(median([3, 1, 2]), 2);
  assertEquals(median([4, 1, 2, 3]), 2.5);
  assertEquals(standardDeviation([5]), 0);
  // The sample standard deviation of 1, 2, 3 is exactly 1.
  assertAlmostEquals(standardDeviation([1, 2, 3]), 1, 1e-12);
});

Deno.test("a row has llama-bench's keys, bytes and the ratios pair by pair", () => {
  assertEquals(row.samples_ts, [400, 200, 100]);
  assertEquals(row.median_ts, 200);
  assertEquals(row.vs, [{
    ...{ model_filename: "m.gguf", type_k: "q8_0", type_v: "q8_0", flash_attn: 1 },
    samples_ts: [100, 100, 100],
    ...{ ratio_min: 1, ratio_median: 2, ratio_max: 4 },
  }]);
  assertEquals(row.samples_ns, [10e6, 20e6, 40e6]);
  assertEquals(row.kv_stored_bytes, 150);
  assertEquals(testName(test), "pp4 @ d64");
});

Deno.test("busy processes' columns are the times longer, pair by pair", () => {
  const beside = samples.map((sample, i) => ({
    ...sample,
    tokensPerSecond: sample.tokensPerSecond / (2 + i),
  }));
  const busy = { nProcesses: 2, samples: beside };
  const loaded = rowOf(shared, test, { samples, busy, peers: [], peakRssBytes: 9 });
  assertEquals(loaded.busy, {
    n_processes: 2,
    samples_ts: [200, 200 / 3, 25],
    ...{ slowdown_min: 2, slowdown_median: 3, slowdown_max: 4 },
  });
  const lines = formatRows([loaded], "md").trim().split("\n");
  assertStringIncludes(lines[0]!, "| beside 2 busy |");
  assertStringIncludes(lines[2]!, "66.7 | 3.00 (2.00 … 4.00) |");
});

Deno.test("formats", () => {
  const lines = formatRows([row], "md").trim().split("\n");
  assertEquals(new Set(lines.map((line) => line.length)).size, 1);
  assertStringIncludes(lines[2]!, "2.00 (1.00 … 4.00)");
  assertEquals(JSON.parse(formatRows([row], "json")), [row]);
  assertEquals(JSON.parse(formatRows([row], "jsonl")), row);
  const [keys, values] = formatRows([{ ...row, machine: 'a "b", c' }], "csv").trim().split("\n");
  assertStringIncludes(values!, '"a ""b"", c"');
  assertEquals(keys!.split(",")[0], "build_commit");
  assertStringIncludes(values!, '""ratio_median"":2');
});

Deno.test("several peers are told apart, and a row of several sequences has none", () => {
  const measured = { samples, peakRssBytes: 9 };
  const both = rowOf(shared, test, { ...measured, peers: [peer("a.gguf"), peer("b.gguf")] });
  const none = rowOf(shared, { ...test, nParallel: 4 }, { ...measured, peers: [] });
  const lines = formatRows([both, none], "md").trim().split("\n");
  assertStringIncludes(lines[0]!, "llama.cpp a.gguf q8_0");
  assertStringIncludes(lines[0]!, "llama.cpp b.gguf q8_0");
  assertEquals(new Set(lines.map((line) => line.length)).size, 1);
});
