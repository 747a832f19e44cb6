/** `calibrate` from outside: its file is what a variant with static channels keeps of any prompt. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { readSafetensors } from "../src/model/mod.ts";
import { testFolder } from "../src/model/testing_files.ts";
import { kerf, tinyModelFile } from "./_cli.ts";

const TEXT = "to be or not to be, that is the question: ".repeat(8);

Deno.test("a calibration's widths and best channels are what every prompt keeps", async () => {
  await using folder = await testFolder();
  const model = await tinyModelFile(folder, { nHeads: 4, nKvHeads: 2 });
  const text = await folder.write("text.txt", TEXT);
  const file = join(folder.path, "channels.safetensors");
  const flags = ["-m", model, "--prune", "think:window=8", "-f", text, "-f", text];
  const made = await kerf(["calibrate", ...flags, "-p", "100", "--ratio", "0.4", "-o", file]);
  assertEquals(made.code, 0, made.stderr);
  assertMatch(made.stdout, /channels\.safetensors: \d+ passages, \d+ of \d+ channels/);
  const tensors = await readSafetensors(file);
  const [importance, widths] = [tensors.get("importance")!, tensors.get("widths")!];
  const [nLayers, nKvHeads, headDim] = importance.shape as [number, number, number];
  const total = Array.from(widths.data, Number).reduce((sum, width) => sum + width, 0);
  assertEquals(total, Math.round(0.6 * nLayers * nKvHeads * headDim));

  const spec = `leank:file=${file},recent=8`;
  const mask = async (prompt: string) => {
    const words = ["inspect", "mask", "-m", model, "--prune", spec, "--json", "--raw", prompt];
    const { code, stdout, stderr } = await kerf(words);
    assertEquals(code, 0, stderr);
    return JSON.parse(stdout).layers as { heads: { keptChannels: number[] | null }[] }[];
  };
  const layers = await mask("another text of more than sixteen tokens, whatever it may say");
  for (let layer = 0; layer < nLayers; layer++) {
    for (let head = 0; head < nKvHeads; head++) {
      const place = layer * nKvHeads + head;
      const scores = Array.from(importance.data, Number)
        .slice(place * headDim, (place + 1) * headDim);
      const best = scores.map((_, c) => c).sort((a, b) => scores[b]! - scores[a]! || a - b)
        .slice(0, Number(widths.data[place])).sort((a, b) => a - b);
      assertEquals(layers[layer]!.heads[head]!.keptChannels, best, `layer ${layer} head ${head}`);
    }
  }
});

Deno.test("what a calibration lacks is named, and scores of rows are none of channels", async () => {
  await using folder = await testFolder();
  const model = await tinyModelFile(folder);
  const text = await folder.write("text.txt", TEXT);
  const file = join(folder.path, "channels.safetensors");
  const refused = async (words: string[], message: string) => {
    const { code, stderr } = await kerf(["calibrate", "-m", model, ...words]);
    assertEquals(code, 2, stderr);
    assertStringIncludes(stderr, `error: ${message}`);
  };
  await refused(["-f", text, "-o", file], "Cannot calibrate without a variant whose scores count");
  await refused(["--prune", "think", "-o", file], "Cannot calibrate without a text");
  await refused(["--prune", "think", "-f", text], "Cannot calibrate without a file to write");
  const words = ["-f", text, "-o", file];
  await refused(["--prune", "think", "--ratio", "2", ...words], "Cannot use --ratio 2");
  await refused(["--prune", "key_norm", ...words], 'Cannot read channel scores of "key_norm"');
});
