/** The commands a newcomer types first, on the default model. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { kerf } from "./_cli.ts";

const LONG = "tests/data/long.txt";

/** SmolLM2-135M: 30 layers of 3 KV heads of 64 channels. */
const N_HEADS = 30 * 3;
const HEAD_DIM = 64;
const F16_BYTES = 2;

Deno.test("run answers, with statistics on standard error", async () => {
  const question = "What is the capital of France?";
  const { code, stdout, stderr } = await kerf(["run", "--temp", "0", question]);
  assertEquals(code, 0, stderr);
  assertStringIncludes(stdout, "Paris");
  assertMatch(stderr, /prompt tokens at .* tok\/s, first token after \d+ ms/);
});

Deno.test("run with half the key channels stores the bytes that are left", async () => {
  const flags = ["--prune", "think:ratio=0.5", "--temp", "0", "-n", "8", "--json"];
  const { code, stdout, stderr } = await kerf(["run", ...flags, "-f", LONG]);
  assertEquals(code, 0, stderr);
  const { prune, promptTokens, tokens, finishReason, stats: { kv } } = JSON.parse(stdout);
  assertEquals([prune, tokens.length, finishReason], ["think:ratio=0.5", 8, "length"]);
  const nPrompt = promptTokens.length;
  assertEquals(kv.tokens, nPrompt + 7);
  assertEquals(kv.denseBytes, N_HEADS * kv.tokens * 2 * HEAD_DIM * F16_BYTES);
  // All but the last 32 rows of the prompt keep 32 channels; a head's mask is a bit per channel.
  const saved = (nPrompt - 32) * (HEAD_DIM / 2) * F16_BYTES - HEAD_DIM / 8;
  assertEquals(kv.storedBytes, kv.denseBytes - N_HEADS * saved);
  assert(kv.allocatedBytes < kv.denseBytes && kv.storedBytes <= kv.allocatedBytes);
});

Deno.test("run compresses after a file and answers from what is left", async () => {
  const flags = ["--prune", "think:ratio=0.5", "--temp", "0", "-n", "4", "--json"];
  const words = ["-f", LONG, "--compress-after", "file", "Who is this about?"];
  const { stdout, stderr } = await kerf(["run", ...flags, ...words]);
  const { promptTokens, stats: { kv } } = JSON.parse(stdout);
  assertEquals(stderr.includes("error"), false);
  // Compressed at the file's end; at the prompt's end the rows that are no longer recent follow.
  const cut = kv.denseBytes - kv.storedBytes + N_HEADS * HEAD_DIM / 8;
  assertEquals(cut / (N_HEADS * (HEAD_DIM / 2) * F16_BYTES), promptTokens.length - 32);
});

Deno.test("inspect mask keeps 39 of 64 channels at ratio 0.4", async () => {
  const flags = ["--prune", "think:ratio=0.4", "-f", LONG, "--json"];
  const { code, stdout, stderr } = await kerf(["inspect", "mask", ...flags]);
  assertEquals(code, 0, stderr);
  const { layers } = JSON.parse(stdout);
  assertEquals(layers.length, 30);
  for (const { heads } of layers) {
    // THINK.md: floor(64·0.4) = 25 channels go.
    assertEquals(heads.map((head: { keptChannels: number[] }) => head.keptChannels.length), [
      ...[39, 39, 39],
    ]);
  }
});

Deno.test("bench compares dense and pruned at a depth", async () => {
  const flags = ["-p", "0", "-n", "4", "-d", "300", "-r", "1", "-o", "md"];
  const specs = ["--prune", "none", "--prune", "think:ratio=0.5"];
  const { code, stdout, stderr } = await kerf(["bench", ...flags, ...specs]);
  assertEquals(code, 0, stderr);
  assertMatch(stdout, /\| none +\| f16 +\| tg4 @ d300 \| .* 100\.0 % \|/);
  assertMatch(stdout, /\| think:ratio=0\.5 \| f16 +\| tg4 @ d300 \| .* 7\d\.\d % \|/);
});
