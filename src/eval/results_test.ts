import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { KerfError } from "../core/error.ts";
import { testFolder } from "../model/testing_files.ts";
import { appendResult, readResults, resultKey } from "./results.ts";
import type { ResultLine, RunIdentity } from "./results.ts";

const identity: RunIdentity = {
  ...{ model: "m.gguf", modelSha256: "00", commit: "1a2b3c4", machine: "cpu" },
  ...{ attention: "causal", activations: "f32", ctk: "f16", ctv: "f16" },
};

const line = (passage: string, value: number, more: Partial<ResultLine> = {}): ResultLine => ({
  ...identity,
  ...{ spec: "think", protocol: "continuation", passage, caseSha256: "ab" },
  values: [{ task: "kl", metric: "kl", value }],
  ...{ storedBytes: 1, denseBytes: 2, decodeTokensPerSecond: null },
  ...{ prefillMs: 1, compressMs: 1, measureMs: 1, time: "2026-01-01T00:00:00Z" },
  ...more,
});

Deno.test("results of the same identity come back, the last of a place; others do not", async () => {
  await using folder = await testFolder();
  const path = `${folder.path}/results.jsonl`;
  assertEquals((await readResults(path, identity)).size, 0);
  await appendResult(path, line("a", 1));
  await appendResult(path, line("b", 2));
  await appendResult(path, line("a", 3));
  await appendResult(path, line("c", 4, { commit: "fffffff" }));
  await appendResult(path, line("d", 5, { ctk: "f32" }));
  const found = await readResults(path, identity);
  assertEquals([...found.values()].map(({ passage, values }) => [passage, values[0]!.value]), [
    ["a", 3],
    ["b", 2],
  ]);
  assertEquals(found.get(resultKey(line("b", 0)))?.passage, "b");
});

Deno.test("a line that was cut is measured again and spoils no other", async () => {
  await using folder = await testFolder();
  const whole = JSON.stringify(line("a", 1)) + "\n";
  const path = await folder.write("results.jsonl", whole + whole.slice(0, 40));
  assertEquals((await readResults(path, identity)).size, 1);
  await appendResult(path, line("b", 2));
  const names = [...(await readResults(path, identity)).values()].map(({ passage }) => passage);
  assertEquals(names, ["a", "b"]);
});

Deno.test("a file of something else is refused with its line", async () => {
  await using folder = await testFolder();
  const path = await folder.write("other.jsonl", '{"spec": 3}\n');
  const error = await assertRejects(() => readResults(path, identity), KerfError);
  assertStringIncludes(error.render(), "other.jsonl:1");
  const folderError = await assertRejects(() => readResults(folder.path, identity), KerfError);
  assertStringIncludes(folderError.render(), "it is a folder\nhint: name another file: --results");
});
