/** `run` from outside on a tiny random model: what goes where, and the same answer every way. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { testFolder } from "../src/model/testing_files.ts";
import { kerf, startKerf, tinyModelFile } from "./_cli.ts";

const GREEDY = ["--temp", "0", "-n", "12"];

Deno.test("the text is all of standard output, statistics go to standard error", async () => {
  await using folder = await testFolder();
  const model = await tinyModelFile(folder);
  const words = ["run", "-m", model, ...GREEDY, "what?"];
  const json = JSON.parse((await kerf([...words, "--json"])).stdout);
  const { code, stdout, stderr } = await kerf(words);
  assertEquals(code, 0, stderr);
  assertEquals(stdout, json.text.endsWith("\n") ? json.text : `${json.text}\n`);
  assertMatch(stderr, /cpu \(\d+ threads?, .*\): \d+ prompt tokens at .* tok\/s/);
  assertMatch(stderr, /cache \(none\): \d+ tokens in .* KiB, 100\.0 % of dense/);
  assert(!stderr.includes("\x1b"), "colours without a terminal");
  assertEquals(await kerf([...words, "-q"]), { code: 0, stdout, stderr: "" });
});

Deno.test("--json prints one object with ids, bytes and times", async () => {
  await using folder = await testFolder();
  const model = await tinyModelFile(folder);
  const words = ["run", "-m", model, ...GREEDY, "--json", "--prune", "think:ratio=0.5", "what?"];
  const { stdout, stderr } = await kerf(words);
  assert(!stderr.includes("tok/s"), stderr);
  assertEquals(stdout.trimEnd().split("\n").length, 1);
  const { promptTokens, tokens, stats, text, device, seed, ...rest } = JSON.parse(stdout);
  assertEquals(rest, { model: "tiny.gguf", prune: "think:ratio=0.5", finishReason: "length" });
  assertEquals(tokens.length, 12);
  assert([...promptTokens, ...tokens, seed].every(Number.isInteger));
  assertEquals([typeof text, typeof device], ["string", "string"]);
  const { kv, ...times } = stats;
  const names = [
    "decodeMs",
    "decodeTokens",
    "peakRssBytes",
    "prefillMs",
    "prefillTokens",
    "ttftMs",
  ];
  assertEquals(Object.keys(times).sort(), names);
  assertEquals([times.prefillTokens, times.decodeTokens], [promptTokens.length, 11]);
  // The last token is sampled and never cached.
  assertEquals(kv.tokens, promptTokens.length + 11);
  // Two layers, one KV head, 32 channels of keys and of values, f16.
  assertEquals(kv.denseBytes, kv.tokens * 2 * 2 * 32 * 2);
  assert(kv.storedBytes <= kv.allocatedBytes && kv.allocatedBytes <= kv.peakBytes);
});

Deno.test("a prompt may look like a number or a flag, and come from anywhere", async () => {
  await using folder = await testFolder();
  const model = await tinyModelFile(folder);
  const idsOf = async (words: string[], options = {}) => {
    const { stdout } = await kerf(
      ["run", "-m", model, "--raw", "-n", "0", "--json", ...words],
      options,
    );
    return JSON.parse(stdout).promptTokens as number[];
  };
  // Three special tokens come first, then one per byte; digits and signs have no merges.
  assertEquals((await idsOf(["42"])).length, 2);
  assertEquals((await idsOf(["-1"])).length, 2);
  assertEquals((await idsOf(["--"])).length, 2);
  const piped = await idsOf([], { stdin: "to be" });
  assertEquals(await idsOf(["to", "be"]), piped);
  await folder.write("prompt.txt", "to be");
  assertEquals(await idsOf(["-f", "prompt.txt"], { cwd: folder.path }), piped);
});

Deno.test("paths count from the folder of the person, in the model's name too", async () => {
  await using folder = await testFolder();
  await tinyModelFile(folder);
  const words = ["run", "-m", "tiny.gguf", ...GREEDY, "--json", "hi"];
  const { code, stderr } = await kerf(words, { cwd: folder.path });
  assertEquals(code, 0, stderr);
});

Deno.test("a batch prints in order what each prompt gives alone", async () => {
  await using folder = await testFolder();
  const model = await tinyModelFile(folder);
  const prompts = ["to be or not to be, that is the question", "hi", "one two three"];
  const lines = prompts.map((prompt, i) =>
    JSON.stringify(i === 1 ? { messages: [{ role: "user", content: prompt }] } : { prompt })
  );
  const file = await folder.write("batch.jsonl", lines.join("\n") + "\n");
  const words = ["run", "-m", model, "--temp", "0.7", "-s", "5", "-n", "9", "--json", "-q"];
  const batch = await kerf([...words, "-f", file]);
  assertEquals(batch.code, 0, batch.stderr);
  const rows = batch.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  for (const [i, prompt] of prompts.entries()) {
    const { stdout } = await kerf([...words, prompt]);
    const { promptTokens, tokens, text } = JSON.parse(stdout);
    assertEquals(
      { promptTokens, tokens, text },
      { promptTokens: rows[i].promptTokens, tokens: rows[i].tokens, text: rows[i].text },
    );
  }
});

Deno.test("a stream never breaks a character", async () => {
  await using folder = await testFolder();
  const model = await tinyModelFile(folder);
  // Random bytes: parts of characters, and bytes that are none.
  const words = ["run", "-m", model, "--temp", "1.5", "-s", "3", "-n", "300", "--raw"];
  const json = JSON.parse((await kerf([...words, "--json", "é"])).stdout);
  assertStringIncludes(json.text, "\u{fffd}");
  const child = startKerf([...words, "-q", "é"]);
  let text = "";
  for await (const chunk of child.stdout) {
    text += new TextDecoder("utf-8", { fatal: true }).decode(chunk);
  }
  await child.stderr.cancel();
  assertEquals((await child.status).code, 0);
  assertEquals(text.trimEnd(), json.text.trimEnd());
});

Deno.test("a reader that has seen enough ends the run without a word", async () => {
  await using folder = await testFolder();
  const model = await tinyModelFile(folder);
  const child = startKerf(["run", "-m", model, "-n", "400", "-q", "--raw", "hi"]);
  const reader = child.stdout.getReader();
  await reader.read();
  await reader.cancel();
  const stderr = await new Response(child.stderr).text();
  assertEquals({ code: (await child.status).code, stderr }, { code: 0, stderr: "" });
});
