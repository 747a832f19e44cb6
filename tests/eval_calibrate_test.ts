/** `eval calibrate` on a tiny random model: its measurements, what it shares out, and the command from outside. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { join } from "@std/path";
import { load } from "kerf";
import { measuredCounts, tunableOf } from "../src/cli/eval/tunable.ts";
import { KerfError } from "../src/core/error.ts";
import { continuationCase, evaluate, headUnits, measureSensitivity } from "../src/eval/mod.ts";
import type { EvalResult, EvalSummary } from "../src/eval/mod.ts";
import { tinyModel } from "../src/model/testing.ts";
import { testFolder } from "../src/model/testing_files.ts";
import { kerf, tinyModelFile } from "./_cli.ts";

const SIZES = { nLayers: 3, nHeads: 4, nKvHeads: 2 };
const DIMS = { ...SIZES, headDim: 32, nCtx: 120 };

/** Random tokens of the tiny vocabulary. */
const passage = (seed: number) => ({
  name: `passage ${seed}`,
  tokens: Array.from(
    { length: 121 },
    (_, i) => 3 + (Math.imul(i + 1, 7919 + seed * 104729) >>> 7) % 290,
  ),
});

Deno.test("a measurement is what a plan of those counts gives, bit for bit", async () => {
  await using folder = await testFolder();
  const path = await folder.write("tiny.gguf", tinyModel(SIZES));
  using model = await load({ model: path, parallel: 1, logitRows: 8 });
  const cases = [
    ["think:ratio=0.5,window=8,recent=8", "head"],
    ["spark:ratio=0.5,window=8,recent=8", "head"],
    ["think_values:ratio=0.5,window=8,recent=8", "layer"],
    ["snapkv:budget=40,window=8", "head"],
    ["adakv:of=tova,budget=40", "layer"],
  ] as const;
  for (const [spec, per] of cases) {
    const { everything, uniform } = await tunableOf(spec, DIMS, 100);
    const all = new Uint32Array(6).fill(everything);
    const units = headUnits(SIZES, per);
    assertEquals(units.flatMap(({ heads }) => heads), [0, 1, 2, 3, 4, 5]);
    const points = [units[0]!, units.at(-1)!].map((unit) => ({ unit, kept: uniform }));
    const passages = [passage(1), passage(2)];
    const results: EvalResult[] = [];
    const prefiller = await model.loaded.withPrune(spec, all);
    const options = { prefiller, spec, passages, nPrompt: 100, points, everything };
    for await (const event of measureSensitivity({ ...options, known: new Map() })) {
      if (event.kind === "result") results.push(event.result);
    }
    assertEquals(results.map((r) => r.passage), [1, 1, 2, 2].map((n) => `passage ${n}`));
    for (const [i, result] of results.entries()) {
      const kept = all.slice();
      for (const head of points[i % 2]!.unit.heads) kept[head] = uniform;
      const open = async () => await model.loaded.withPrune(spec, kept);
      for await (
        const event of evaluate({
          specs: [{ spec, open }],
          full: { spec: "none", open: () => Promise.resolve(model.loaded) },
          cases: [continuationCase("p", passages[i < 2 ? 0 : 1]!.tokens, 100)],
        })
      ) {
        if (event.kind !== "result" || !event.isWanted) continue;
        const numbers = ({ values }: EvalResult) => values.map(({ value }) => value);
        assertEquals(numbers(result), numbers(event.result), spec);
        assertEquals(result.storedBytes, event.result.storedBytes);
        assert(result.storedBytes < result.denseBytes);
      }
    }
  }
});

Deno.test("a file keeps the bytes of the number that it stands for, and a second run measures nothing", async () => {
  await using folder = await testFolder();
  const model = await tinyModelFile(folder, SIZES);
  const words = "to be or not to be, that is the question whether a whale is nobler in the mind ";
  const text = await folder.write("text.txt", words.repeat(12));
  const other = await folder.write("other.txt", words.toUpperCase().repeat(12));
  const results = join(folder.path, "r.jsonl");
  const common = ["-m", model, "-p", "200", "-n", "8", "--results", results];
  for (
    const { spec, param, extra } of [
      { spec: "think:ratio=0.5,window=8,recent=8", param: "ratio=0.5", extra: [] },
      { spec: "snapkv:budget=64,window=8", param: "budget=64", extra: ["--per", "layer"] },
    ]
  ) {
    const file = join(folder.path, "budgets.json");
    const page = join(folder.path, "budgets.html");
    const flags = ["--prune", spec, "--text", text, "-o", file, "--report", page, ...extra];
    const made = await kerf(["eval", "calibrate", ...common, ...flags]);
    assertEquals(made.code, 0, made.stderr);
    assertStringIncludes(made.stdout, `in all as with ${param}\n`);
    const tuned = spec.replace(param, `${param.split("=")[0]}=${file}`);
    assertStringIncludes(
      made.stdout,
      `  deno task eval --task kl --prune ${spec} --prune ${tuned}\n`,
    );
    const written = await Deno.readTextFile(file);
    const { kept, uniform, per, kl, measuredCounts } = JSON.parse(written);
    assertEquals(kept.length, 3);
    assert(kept.flat().some((n: number) => n !== uniform), written);
    assertEquals([per, kl.length], extra.length > 0 ? ["layer", 3] : ["head", 6]);
    const maps = (await Deno.readTextFile(page)).match(/aria-label="KL by layer and head where/g);
    assertEquals(maps?.length, measuredCounts.length);
    const specs = ["--prune", spec, "--prune", tuned, "--text", other, "--json"];
    const { code, stdout, stderr } = await kerf(["eval", ...common, ...specs]);
    assertEquals(code, 0, stderr);
    const summary: EvalSummary[] = JSON.parse(stdout).summary;
    assertEquals([...new Set(summary.map(({ spec }) => spec))], [spec, tuned]);
    assertEquals(new Set(summary.map(({ storedBytes }) => storedBytes)).size, 1);

    if (made.stderr.includes("commit unknown")) continue;
    // What stopped a run may have cut its last line.
    const lines = await Deno.readTextFile(results);
    await Deno.writeTextFile(results, lines.slice(0, -50));
    const again = await kerf(["eval", "calibrate", ...common, ...flags]);
    assertMatch(again.stderr, /(\d+) of \1 measurements were there already/);
    assertEquals(await Deno.readTextFile(file), written);
  }
  const stranger = await folder.write("stranger.gguf", tinyModel({ ...SIZES, seed: 2 }));
  const spec = `snapkv:budget=${join(folder.path, "budgets.json")},window=8`;
  const wrong = await kerf(["run", "-m", stranger, "--prune", spec, "-n", "1", "hi"]);
  assertEquals(wrong.code, 2);
  assertMatch(
    wrong.stderr,
    /with stranger\.gguf \([0-9a-f]{12}\): it was measured on tiny\.gguf \(/,
  );
  assertMatch(wrong.stderr, /hint: deno task eval calibrate --prune snapkv:.* -m .*stranger\.gguf/);
  assertEquals([...Deno.readDirSync(folder.path)].filter(({ name }) => name.endsWith(".part")), []);
});

Deno.test("counts lie between what protection leaves and everything, at multiples", async () => {
  const counts = async (spec: string, nPrompt = 1024) =>
    measuredCounts(await tunableOf(spec, { ...DIMS, headDim: 64, nCtx: 2048 }, nPrompt));
  assertEquals(await counts("think:ratio=0.5"), [8, 16, 32, 48]);
  assertEquals(await counts("think:ratio=0.5,multiple=12"), [12, 36, 48]);
  assertEquals(await counts("snapkv:budget=256"), [63, 156, 280, 528]);
  assertEquals(await counts("tova:budget=256"), [33, 129, 257, 513]);
});

Deno.test("what cannot be shared out is refused with what to type", async () => {
  const refused = async (spec: string, message: string) => {
    const error = await assertRejects(() => tunableOf(spec, DIMS, 100), KerfError, message);
    assertEquals([error.exitCode, error.hints.length], [2, 1]);
  };
  await refused("none", "it has 0 variants");
  await refused("snapkv:budget=64+think", "it has 2 variants, and one is measured at a time");
  await refused("think:ratio=think.json", "ratio is a file already");
  await refused("kivi", "no parameter says how many rows or channels heads keep");
  await refused("pyramidkv:budget=64", "a formula in its file already gives layers budgets");
  await refused("think_bits", "it is one of bits, which scores deal out to a head's channels");
  await refused("massed:of=snapkv,budget=64", "scores lower it head by head");
  await refused("think:ratio=0", "32 of 32 key channels leave nothing to choose");
  await refused("think:ratio=0.95", "heads keep the least that they can, 2 key channels");
  await refused("snapkv:budget=512", "512 of 100 rows leave nothing to choose");
  const { code, stderr } = await kerf(["eval", "calibrate", "--prune", "think"]);
  assertEquals(code, 2);
  assertStringIncludes(stderr, "error: Cannot calibrate without a file to write\nhint: deno task");
  const words = ["--prune", "tova:budget=64", "--per", "head", "-o", "no/x.json"];
  const nowhere = await kerf(["eval", "calibrate", ...words]);
  assertStringIncludes(nowhere.stderr, 'Cannot write "no/x.json": there is no such folder');
  assertStringIncludes(nowhere.stderr, "hint: mkdir -p no\n");
  await using folder = await testFolder();
  const taken = ["--prune", "think:ratio=0.5", "-o", folder.path];
  const folderError = await kerf(["eval", "calibrate", ...taken]);
  assertStringIncludes(folderError.stderr, ": it is a folder\nhint: -o ");
});
