/** `eval` on a tiny random model: its numbers against a plain decode, then the command from outside. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { load } from "kerf";
import type { Engine } from "../src/engine/engine.ts";
import { commandOf } from "../src/cli/flags.ts";
import { continuationCase, evaluate, TASKS } from "../src/eval/mod.ts";
import type { EvalResult, EvalSummary } from "../src/eval/mod.ts";
import { CompressedRun } from "../src/eval/run.ts";
import { tinyModel } from "../src/model/testing.ts";
import { testFolder } from "../src/model/testing_files.ts";
import type { TestFolder } from "../src/model/testing_files.ts";
import { kerf, tinyModelFile } from "./_cli.ts";
import { assertSameRows } from "./_rows.ts";

/** Random tokens of the tiny vocabulary. */
const tokens = (n: number, seed: number) =>
  Array.from({ length: n }, (_, i) => 3 + (Math.imul(i + 1, 7919 + seed * 104729) >>> 7) % 290);

const SPECS = [
  "none",
  "think:ratio=0.5,window=8,recent=8",
  "kivi:bits=4,residual=32",
  "kivi:bits=2,residual=32,keep=0",
  "snapkv:budget=48,window=16+think:ratio=0.3,window=8,recent=8",
  "h2o:budget=64,every=5",
  "think:ratio=0.5,window=8,recent=8,every=16",
  "spark:ratio=0.5,window=8,recent=8",
  "massed:of=snapkv,least=16,mass=0.5",
];

/** Rows of logits as the scheduler makes them: one at a time, flushes before, evictions after. */
async function oneByOne(engine: Engine, slot: number, fed: readonly number[]) {
  const first = engine.cache.tokensOf(slot);
  const rows: Float32Array[] = [];
  for (const [i, id] of fed.entries()) {
    await engine.flush(slot);
    rows.push(...await engine.step([{ slot, position: first + i, tokens: [id], logits: "last" }]));
    await engine.evictDecoded(slot, i + 1);
  }
  return rows;
}

async function prefilled(engine: Engine, prompt: readonly number[]) {
  const slot = engine.cache.openSlot();
  const [last] = await engine.step([{ slot, position: 0, tokens: prompt, logits: "last" }]);
  await engine.compress(slot);
  return { slot, last: last! };
}

Deno.test("tokens fed many at once give the bits of one after the other, whatever is flushed", async () => {
  await using folder = await testFolder();
  const path = await folder.write("tiny.gguf", tinyModel({ nHeads: 6, nKvHeads: 2 }));
  using model = await load({ model: path, parallel: 2, logitRows: 24 });
  const [prompt, fed] = [tokens(150, 1), tokens(90, 2)];
  for (const spec of SPECS) {
    const { engine } = await model.loaded.withPrune(spec);
    const [a, b] = [await prefilled(engine, prompt), await prefilled(engine, prompt)];
    const rows: Float32Array[] = [];
    for await (const row of new CompressedRun(engine, a.slot, a.last).force(fed)) rows.push(row);
    assertSameRows(rows, await oneByOne(engine, b.slot, fed), spec);
  }
});

Deno.test("a spec on another's weights is the spec loaded alone", async () => {
  await using folder = await testFolder();
  const path = await folder.write("tiny.gguf", tinyModel({ nHeads: 6, nKvHeads: 2 }));
  using first = await load({ model: path, parallel: 1 });
  for (const prune of SPECS.slice(1, 4)) {
    using alone = await load({ model: path, parallel: 1, prune });
    const shared = await first.loaded.withPrune(prune);
    const bits: Float32Array[][] = [];
    for (const { engine } of [alone.loaded, shared]) {
      const { slot } = await prefilled(engine, tokens(100, 3));
      bits.push(await oneByOne(engine, slot, tokens(5, 4)));
    }
    assertSameRows(bits[1]!, bits[0]!, prune);
  }
});

Deno.test("a continuation's numbers are those of a plain decode", async () => {
  await using folder = await testFolder();
  const path = await folder.write("tiny.gguf", tinyModel({ nHeads: 6, nKvHeads: 2 }));
  using model = await load({ model: path, parallel: 1, logitRows: 16 });
  const passage = tokens(141, 5);
  const spec = SPECS[1]!;
  const pruned = await model.loaded.withPrune(spec);
  const rows = await Promise.all([model.loaded, pruned].map(async ({ engine }) => {
    const { slot } = await prefilled(engine, passage.slice(0, 100));
    const made = await oneByOne(engine, slot, passage.slice(100, -1));
    engine.cache.closeSlot(slot);
    return made.map((logits) => {
      const weights = [...logits].map(Math.exp);
      const sum = weights.reduce((a, b) => a + b, 0);
      return weights.map((w) => w / sum);
    });
  }));
  const [full, cut] = rows as [number[][], number[][]];
  const average = (of: (i: number) => number) =>
    full.reduce((sum, _, i) => sum + of(i), 0) / full.length;
  const kl = average((i) =>
    full[i]!.reduce((sum, p, id) => sum + p * Math.log(p / cut[i]![id]!), 0)
  );
  const nll = average((i) => -Math.log(cut[i]![passage[101 + i]!]!));
  const open = (loaded: typeof pruned) => () => Promise.resolve(loaded);
  const results: EvalResult[] = [];
  for await (
    const event of evaluate({
      specs: [{ spec, open: open(pruned) }],
      full: { spec: "none", open: open(model.loaded) },
      cases: [continuationCase("p", passage, 100)],
    })
  ) {
    if (event.kind === "result" && event.isWanted) results.push(event.result);
  }
  assertEquals(results.length, 1);
  const value = (metric: string) => results[0]!.values.find((v) => v.metric === metric)!.value;
  // f64 sums of 300 terms of f32 logits, in another order.
  assert(Math.abs(value("kl") - kl) < 1e-9 && kl > 1e-3, `${value("kl")} and ${kl}`);
  assert(Math.abs(value("nll") - nll) < 1e-9, `${value("nll")} and ${nll}`);
  assertEquals(results[0]!.series!.kl!.length, 40);
});

const words = (seed: number, n: number) =>
  tokens(n, seed).map((i) => ["to", "be", "or", "not", "sea", "whale", "ship"][i % 7]).join(" ");

/** A folder of three texts and one that is too short. */
async function textFolder(folder: TestFolder): Promise<string> {
  await Deno.mkdir(join(folder.path, "texts"));
  for (const i of [1, 2, 3]) await folder.write(`texts/${i}.txt`, words(i, 200));
  await folder.write("texts/short.txt", "too short");
  return join(folder.path, "texts");
}

Deno.test("eval prints rows and summaries, goes on where it stopped, with the same digits", async () => {
  await using folder = await testFolder();
  const model = await tinyModelFile(folder);
  const texts = await textFolder(folder);
  const results = join(folder.path, "results.jsonl");
  const spec = "think:ratio=0.5,window=8,recent=8";
  const flags = ["eval", "-m", model, "-p", "80", "-n", "30", "--text", texts, "--json"];
  const first = await kerf([...flags, "--prune", spec, "--results", results, "-t", "1"]);
  assertEquals(first.code, 0, first.stderr);
  assertStringIncludes(first.stderr, "short.txt is left out: it has");
  const { rows, summary } = JSON.parse(first.stdout);
  assertEquals(Object.keys(rows[0]), ["spec", "task", "metric", "passage", "value"]);
  assertEquals(
    [...new Set(rows.map((row: { metric: string }) => row.metric))],
    ["nll", "ppl", "dnll", "kl", "top1", "kl_p50", "kl_p90", "kl_p99"],
  );
  assertEquals(rows.length, 3 * 8);
  const kl = summary.find((item: { metric: string }) => item.metric === "kl");
  assertEquals([kl.spec, kl.task, kl.n], [spec, "kl", 3]);
  assert(kl.low <= kl.mean && kl.mean <= kl.high && kl.low > 0, JSON.stringify(kl));
  assert(kl.storedBytes < kl.denseBytes && kl.decodeTokensPerSecond > 0);

  const lines = (await Deno.readTextFile(results)).trimEnd().split("\n");
  // The full cache is measured too, and kept.
  assertEquals(lines.length, 6);
  const line = JSON.parse(lines[1]!);
  assertEquals([line.spec, line.model, line.modelSha256.length], [spec, "tiny.gguf", 64]);
  assertMatch(line.commit, /^[0-9a-f]{7,}|unknown/);

  const values = (text: string) =>
    JSON.parse(text).rows.filter((row: { spec: string }) => row.spec === spec);
  // Two threads make another machine of the one before, so nothing is taken from the file.
  const other = await kerf([...flags, "--prune", spec, "--results", results, "-t", "2"]);
  assertEquals(values(other.stdout), rows);
  if (line.commit === "unknown") return;
  const again = ["--prune", spec, "--prune", "none", "--results", results, "-t", "1"];
  const { stdout, stderr } = await kerf([...flags, ...again]);
  assertStringIncludes(stderr, "6 of 6 results were there already");
  assertEquals(values(stdout), rows);
  const full = JSON.parse(stdout).summary.filter((item: { spec: string; metric: string }) =>
    item.spec === "none" && ["kl", "dnll"].includes(item.metric)
  );
  assertEquals(full.map(({ mean }: { mean: number }) => mean), [0, 0]);

  // A run that had only reached the second passage goes on to the same digits.
  await Deno.writeTextFile(results, `${lines[3]}\n${lines[2]}\n${lines[0]!.slice(0, 50)}`);
  const resumed = await kerf([...flags, "--prune", spec, "--results", results, "-t", "1"]);
  assertStringIncludes(resumed.stderr, "1 of 3 results were there already");
  const numbers = (text: string) =>
    JSON.parse(text).summary.map(({ metric, mean, low, high }: EvalSummary) => [
      metric,
      ...[mean, low, high],
    ]);
  assertEquals(numbers(resumed.stdout), numbers(first.stdout));
});

Deno.test("eval sweeps, keeps to its budget and says what it left out", async () => {
  await using folder = await testFolder();
  const model = await tinyModelFile(folder);
  const texts = await textFolder(folder);
  const flags = ["-m", model, "-p", "80", "-n", "30", "--text", texts];
  const more = ["--results", join(folder.path, "r.jsonl"), "--prune", "think:ratio=0.3..0.5/0.2"];
  const report = join(folder.path, "report.html");
  const { code, stdout, stderr } = await kerf(
    ["eval", ...flags, ...more, "--budget", "0.001s", "--report", report],
  );
  assertEquals(code, 0, stderr);
  assertStringIncludes(stderr, `report: ${report}\n`);
  const page = await Deno.readTextFile(report);
  assertMatch(
    page,
    /left out, --budget 0\.001s[\s\S]*think:ratio=0\.3[\s\S]*<svg[\s\S]*Kept channels[\s\S]*<svg/,
  );
  assertMatch(stdout, /think:ratio=0\.3[\s\S]*think:ratio=0\.5/);
  assertStringIncludes(stderr, "left out, --budget 0.001s is spent: continuation: 2.txt · 3.txt\n");
  assertStringIncludes(stdout, "kl, n = 1");
  assertStringIncludes(stdout, "\nkl: mean divergence from the full cache, nats a token; top1: ");
  assertStringIncludes(stdout, "\nkl: one passage tells no two specs apart\n");
  assertStringIncludes(stdout, "intervals: 95 %, bootstrap over passages, seed 1");
});

Deno.test("what eval cannot use is named before anything is loaded", async () => {
  await using folder = await testFolder();
  const model = await tinyModelFile(folder);
  const text = await folder.write("text.txt", "short");
  const refused = async (flags: string[], message: RegExp) => {
    const { code, stderr } = await kerf(["eval", "-m", model, ...flags]);
    assertEquals(code, 2, stderr);
    assertMatch(stderr, message);
  };
  await refused(["--task", "pl"], /There is no task "pl"\n.*did you mean ppl/);
  await refused(["-p", "0"], /Cannot use -p 0/);
  await refused(["--budget", "soon"], /Cannot use "soon" for --budget[\s\S]*--budget 10m/);
  await refused(["--chapters", "3", "--text", text], /--chapters has no effect beside --text/);
  await refused(["-c", "2048"], /-c has no effect[\s\S]*-p for passages/);
  await refused(["--compress-after", "file"], /--compress-after has no effect/);
  await refused(
    ["--report", folder.path],
    /Cannot write the report[\s\S]*it is a folder[\s\S]*report\.html/,
  );
  await refused(["--report", "no/r.html"], /Cannot write the report[\s\S]*mkdir -p no/);
  await refused(["word"], /Cannot use "word": eval takes flags only[\s\S]*--text word/);
  await refused(["calibrat"], /hint: did you mean deno task eval calibrate\?/);
  await refused(["--text", text], /text\.txt": it has \d+ tokens of 1281/);
  const report = join(folder.path, "report.html");
  const misspelt = ["--text", text, "-p", "1", "-n", "1", "--prune", "thinc"];
  await refused([...misspelt, "--report", report], /did you mean think/);
  // What never began leaves no empty page.
  assertEquals(
    [...Deno.readDirSync(folder.path)].map(({ name }) => name).includes("report.html"),
    false,
  );
});

Deno.test("--help names every task", () => {
  const help = commandOf("eval")!.flags.find(({ name }) => name === "task")!.help;
  const names = help.replace("(default both)", "").split(",").map((name) => name.trim());
  assertEquals(names.sort(), Object.keys(TASKS).sort());
});
