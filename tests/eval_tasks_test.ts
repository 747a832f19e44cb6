/** Questions, needles, agreement and chunks of `eval` on a tiny random model. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { load } from "kerf";
import type { Loaded } from "../src/engine/load.ts";
import { likeliest } from "../src/eval/distribution.ts";
import { agreementCase, answerCase, chunkCase, evaluate } from "../src/eval/mod.ts";
import type { EvalCase, EvalResult } from "../src/eval/mod.ts";
import { tinyModel } from "../src/model/testing.ts";
import { testFolder } from "../src/model/testing_files.ts";
import { kerf, tinyModelFile } from "./_cli.ts";

const PRUNE = "think:ratio=0.5,window=8,recent=8";

async function withModel(run: (full: Loaded, pruned: Loaded) => Promise<void>) {
  await using folder = await testFolder();
  const path = await folder.write("tiny.gguf", tinyModel({ nHeads: 6, nKvHeads: 2 }));
  using model = await load({ model: path, parallel: 1, logitRows: 16 });
  await run(model.loaded, await model.loaded.withPrune(PRUNE));
}

async function resultsOf(full: Loaded, pruned: Loaded, item: EvalCase): Promise<EvalResult[]> {
  const open = (loaded: Loaded) => () => Promise.resolve(loaded);
  const specs = [{ spec: "none", open: open(full) }, { spec: PRUNE, open: open(pruned) }];
  const results: EvalResult[] = [];
  for await (const event of evaluate({ specs, full: specs[0]!, cases: [item] })) {
    if (event.kind === "result" && event.isWanted) results.push(event.result);
  }
  return results;
}

const valueOf = ({ values }: EvalResult, metric: string) =>
  values.find((value) => value.metric === metric)!.value;

const CONTEXT = "it was said of old that the ship, the sea and the whale are one. ".repeat(3);
const LEAD = " well,";
const TURNS = [{ given: "\n\nwho is first?", answer: " ship" }, { given: ",", answer: " whale" }];

for (const compressAfter of ["question", "context"] as const) {
  Deno.test(`answers are graded as a plain decode says, compressed after the ${compressAfter}`, async () => {
    await withModel(async (full, pruned) => {
      const { encode } = full.tokenizer;
      const question = { context: CONTEXT, lead: LEAD, turns: TURNS };
      const item = answerCase(question, { task: "own", passage: "1", encode, compressAfter });
      const [, result] = await resultsOf(full, pruned, item);
      const asked = compressAfter === "question" ? TURNS[0]!.given : "";
      const prompt = encode(CONTEXT + asked);
      assertEquals(item.prompt, prompt);
      const script = TURNS.map((t, i) => t.given + (i === 0 ? LEAD : "") + t.answer);
      const rest = encode(CONTEXT + script.join(""))
        .slice(prompt.length);
      const { engine } = pruned;
      const slot = engine.cache.openSlot();
      const rows = [
        ...await engine.step([{ slot, position: 0, tokens: prompt, logits: "last" }]),
      ];
      await engine.compress(slot);
      for (const [i, id] of rest.entries()) {
        const row = { slot, position: prompt.length + i, tokens: [id], logits: "last" } as const;
        rows.push(...await engine.step([row]));
      }
      engine.cache.closeSlot(slot);
      // Answers begin behind what is given, each with its own tokens.
      const begins = [0, 1].map((i) => {
        const before = script.slice(0, i + 1).join("").slice(0, -TURNS[i]!.answer.length);
        return encode(CONTEXT + before).length - prompt.length;
      });
      let [nll, n, hits] = [0, 0, 0];
      for (const [i, begin] of begins.entries()) {
        const length = encode(TURNS[i]!.answer).length;
        let right = true;
        for (let at = begin; at < begin + length; at++) {
          const weights = [...rows[at]!].map(Math.exp);
          nll -= Math.log(weights[rest[at]!]! / weights.reduce((a, b) => a + b));
          right &&= weights[rest[at]!] === Math.max(...weights);
          n++;
        }
        hits += Number(right) / begins.length;
      }
      assertEquals(valueOf(result!, "hit"), hits);
      // f64 sums of f32 logits, in another order.
      assert(Math.abs(valueOf(result!, "answer_nll") - nll / n) < 1e-9);
    });
  });
}

Deno.test("an answer that greedy decoding gives is a hit, another is not", async () => {
  await withModel(async (full, pruned) => {
    const { encode } = full.tokenizer;
    const item = answerCase(
      { context: CONTEXT, turns: [TURNS[0]!] },
      { task: "own", passage: "1", encode, compressAfter: "question" },
    );
    const { engine } = full;
    const slot = engine.cache.openSlot();
    const step = { slot, position: 0, tokens: item.prompt, logits: "last" } as const;
    const [row] = await engine.step([step]);
    engine.cache.closeSlot(slot);
    const pick = likeliest(row!);
    // The random model would not say the case's own answer, but the picked token.
    const [miss] = await resultsOf(full, pruned, item);
    assertEquals(valueOf(miss!, "hit"), 0);
    const told = answerCase(
      { context: CONTEXT, turns: [TURNS[0]!] },
      {
        ...{ task: "own", passage: "1", compressAfter: "question" },
        encode: (text) => text.endsWith(TURNS[0]!.answer) ? [...item.prompt, pick] : encode(text),
      },
    );
    const [hit] = await resultsOf(full, pruned, told);
    assertEquals(valueOf(hit!, "hit"), 1);
  });
});

Deno.test("the full cache agrees with itself, a pruned one with what it says", async () => {
  await withModel(async (full, pruned) => {
    const prompt = full.tokenizer.encode(CONTEXT);
    const [same, other] = await resultsOf(full, pruned, agreementCase("p", prompt));
    assertEquals([valueOf(same!, "agree"), valueOf(same!, "common_prefix")], [1, 128]);
    const prefix = valueOf(other!, "common_prefix");
    assert(valueOf(other!, "agree") >= prefix / 128 && prefix < 128, `${prefix}`);
    assert(other!.decodeTokensPerSecond! > 0);
  });
});

Deno.test("a chunk's perplexity is that of its second half, from one prefill", async () => {
  await withModel(async (full, pruned) => {
    const tokens = full.tokenizer.encode(CONTEXT).slice(0, 60);
    const [dense] = await resultsOf(full, pruned, chunkCase("c", tokens));
    const { engine } = full;
    let nll = 0;
    for (let at = 30; at < 59; at++) {
      const slot = engine.cache.openSlot();
      const rows = { slot, position: 0, tokens: tokens.slice(0, at + 1), logits: "last" } as const;
      const [row] = await engine.step([rows]);
      engine.cache.closeSlot(slot);
      const weights = [...row!].map(Math.exp);
      nll -= Math.log(weights[tokens[at + 1]!]! / weights.reduce((a, b) => a + b)) / 29;
    }
    assert(Math.abs(valueOf(dense!, "nll") - nll) < 1e-9);
    assertEquals(dense!.values.every(({ task }) => task === "llama-ppl"), true);
  });
});

Deno.test("needles, made tasks and questions of one's own come through the command", async () => {
  await using folder = await testFolder();
  const model = await tinyModelFile(folder, { nCtx: 1024 });
  const hay = "The ship sailed on. The sea was calm! ".repeat(40);
  const text = await folder.write("hay.txt", hay);
  const line = { context: hay.slice(0, 200), question: "\n\nWhat sailed?", answer: "The ship" };
  const own = await folder.write("own.jsonl", JSON.stringify(line) + "\n");
  const results = join(folder.path, "results.jsonl");
  const flags = ["-m", model, "--text", text, "-c", "200", "--questions", own, "--json"];
  const tasks = "needle,multi-query,frequent-words,llama-ppl";
  const words = ["eval", ...flags, "--task", tasks, "--results", results, "--prune", PRUNE];
  const { code, stdout, stderr } = await kerf([...words, "--compress-after", "file"]);
  assertEquals(code, 0, stderr);
  const { rows, summary } = JSON.parse(stdout);
  const of = (task: string) => summary.filter((item: { task: string }) => item.task === task);
  assertEquals(of("needle").map(({ metric, n }: { metric: string; n: number }) => [metric, n]), [
    ["needle", 10],
    ["answer_nll", 10],
  ]);
  assertEquals(of("multi-query")[0].n, 10);
  assertEquals(of("own")[0].n, 1);
  assertEquals(of("llama-ppl").length, 3);
  assertEquals(
    rows.filter((row: { task: string }) => row.task === "needle")[0].passage,
    "200 tokens, depth 0, 1",
  );
  const lines = (await Deno.readTextFile(results)).trimEnd().split("\n");
  const needle = JSON.parse(lines.find((one) => one.includes("needle after context"))!);
  assertEquals(needle.labels, { length: 200, depth: 0 });
  const asText = words.filter((word) => word !== "--json");
  const again = await kerf([...asText, "--compress-after", "file"]);
  assertStringIncludes(again.stdout, "\nthe questions came after compression\nintervals: ");
  const long = await kerf(["eval", "-m", model, "--text", text, "--task", "needle", "-c", "9999"]);
  assertEquals(long.code, 2);
  assertMatch(long.stderr, /Cannot hide needles in \d+ tokens: prompts have 9999/);
});
