/** SIGINT at every stage of `run`: exit code 130, what there is so far, nothing half-made, no trace. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { testFolder } from "../src/model/testing_files.ts";
import { kerf, startKerf, tinyModelFile } from "./_cli.ts";

/** Reads a stream until `seen` matches its text; returns a reader of the rest. */
async function readUntil(stream: ReadableStream<Uint8Array>, seen: RegExp) {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = "";
  while (!seen.test(text)) {
    const { done, value } = await reader.read();
    assert(!done, `ended before ${seen}: ${text}`);
    text += decoder.decode(value, { stream: true });
  }
  return {
    rest: async () => {
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        text += decoder.decode(next.value, { stream: true });
      }
      return text;
    },
  };
}

Deno.test("an answer that is interrupted keeps its text and prints its statistics", async () => {
  await using folder = await testFolder();
  // Greedy, this model repeats itself until its context is full: a minute, even on a fast machine.
  const model = await tinyModelFile(folder, { nLayers: 24, nCtx: 65536 });
  for (const json of [false, true]) {
    const flags = ["--temp", "0", "--raw", ...(json ? ["--json", "--stats"] : [])];
    const child = startKerf(["run", "-m", model, ...flags, "one two"]);
    // With --json nothing is printed before the end: the signal comes well after a slow machine's start.
    const out = await readUntil(child.stdout, json ? /^/ : /.{4}/s);
    if (json) await new Promise((resolve) => setTimeout(resolve, 4000));
    child.kill("SIGINT");
    // Both at once: a pipe that nobody reads would hold the child back.
    const [stderr, stdout] = await Promise.all([new Response(child.stderr).text(), out.rest()]);
    assertEquals((await child.status).code, 130, stderr);
    assertMatch(stderr, /more at (–|[\d.]+ tok\/s), interrupted\n/);
    if (json) assertEquals(JSON.parse(stdout).finishReason, "interrupted");
    else assert(stdout.length >= 4 && stdout.endsWith("\n"));
  }
});

Deno.test("compiling that is interrupted leaves nothing half-made and goes on the next time", async () => {
  await using folder = await testFolder();
  const model = await tinyModelFile(folder);
  const env = { KERF_CACHE: join(folder.path, "cache") };
  const words = ["run", "-m", model, "--temp", "0", "-n", "3", "--raw", "hi"];
  const child = startKerf(words, { env });
  const bar = await readUntil(child.stderr, /compiling kernels/);
  child.kill("SIGINT");
  const stderr = await bar.rest();
  assertEquals((await child.status).code, 130, stderr);
  assertStringIncludes(stderr, "error: Compiling kernels was interrupted\nhint: start again");
  assert(!stderr.includes("    at "), stderr);
  assertEquals(await new Response(child.stdout).text(), "");
  const files = [...Deno.readDirSync(join(env.KERF_CACHE, "cpu"))].map(({ name }) => name);
  assertEquals(files.filter((name) => !/-[0-9a-f]{64}\.(c|so|dylib|h|h\.gch)$/.test(name)), []);
  // The same cache, elsewhere than the project's: the permissions follow it.
  const again = await kerf(words, { env });
  assertEquals(again.code, 0, again.stderr);
  assertEquals(again.stdout, (await kerf(words)).stdout);
});

Deno.test("fetching that is interrupted ends pip and leaves no model", async () => {
  await using folder = await testFolder();
  // A python3 that never comes back stands for a slow network.
  const python = await folder.write("python3", "#!/bin/sh\nexec sleep 60\n");
  await Deno.chmod(python, 0o755);
  const PATH = `${folder.path}:${Deno.env.get("PATH")}`;
  const KERF_CACHE = join(folder.path, "cache");
  const child = startKerf(["run", "hi"], { env: { PATH, KERF_CACHE } });
  const bar = await readUntil(child.stderr, /downloading SmolLM2/);
  child.kill("SIGINT");
  const stderr = await bar.rest();
  assertEquals((await child.status).code, 130, stderr);
  assertStringIncludes(stderr, "error: Fetching the model was interrupted\nhint: start again");
  const files = [...Deno.readDirSync(join(KERF_CACHE, "models"))].map(({ name }) => name);
  assertEquals(files, [".lock"]);
  await child.stdout.cancel();
});
