import { assert, assertEquals, assertRejects } from "@std/assert";
import { KerfError } from "../../core/error.ts";
import { testFolder } from "../../model/testing_files.ts";
import { bestOfPeer, runPeer } from "./peer.ts";

const test = { nPrompt: 0, nGen: 4, nDepth: 7168, nParallel: 1 };

/** A program that runs as many tokens a second as `-fa` says times 10, plus one, and keeps its words. */
const PROGRAM = `#!/bin/sh
echo "$@" >> "$(dirname "$0")/words"
while [ "$1" != -fa ]; do shift; done
echo "[{\\"avg_ts\\": $(($2 * 10 + 1))}]"
`;

async function peerIn(path: string, type: string) {
  const program = `${path}/llama-bench`;
  await Deno.writeTextFile(program, PROGRAM, { mode: 0o755 });
  return { program, model: "m.gguf", threads: 2, cacheTypes: { key: type, value: type } };
}

Deno.test("a peer is asked with llama-bench's words, and the faster of its ways is taken", async () => {
  await using folder = await testFolder();
  const options = await peerIn(folder.path, "f16");
  assertEquals(await bestOfPeer(options, test), { tokensPerSecond: 11, flashAttention: 1 });
  const words = (await Deno.readTextFile(`${folder.path}/words`)).trim().split("\n");
  const shared = "-m m.gguf -t 2 -r 1 -o json -p 0 -n 4 -d 7168 -ctk f16 -ctv f16 -fa";
  assertEquals(words, [`${shared} 0`, `${shared} 1`]);
});

Deno.test("values that are codes run with flash attention only", async () => {
  await using folder = await testFolder();
  await bestOfPeer(await peerIn(folder.path, "q4_0"), test);
  const words = (await Deno.readTextFile(`${folder.path}/words`)).trim().split("\n");
  assertEquals(words.map((line) => line.slice(-22)), ["-ctk q4_0 -ctv q4_0 -fa 1".slice(-22)]);
});

Deno.test("a peer that fails or prints something else is named", async () => {
  const options = { model: "m", threads: 1, cacheTypes: { key: "f16", value: "f16" } };
  const refused = (program: string, why: string) =>
    assertRejects(() => runPeer({ ...options, program }, test, 0), KerfError, why);
  await refused("false", "it ended with code 1");
  await refused("true", "it is not llama-bench's JSON");
  const { hints } = await refused("/no/such/llama-bench", "it is not installed");
  assert(hints[0]?.startsWith("--vs PATH/llama-bench"), hints.join("\n"));
});
