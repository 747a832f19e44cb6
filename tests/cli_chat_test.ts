/** A conversation on a pseudo-terminal: turns, lines that go on, Ctrl-C and Ctrl-D, colours. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { testFolder } from "../src/model/testing_files.ts";
import { projectRoot } from "../src/sys/cache_dir.ts";
import { runCommand } from "../src/sys/command.ts";
import { commandLine, kerf, tinyModelFile } from "./_cli.ts";

const PTY = fromFileUrl(new URL("_pty.py", import.meta.url));
const CTRL_C = "\x03";
const CTRL_D = "\x04";

/** Runs a command on a terminal: waits for each pattern, then types. */
async function onTerminal(
  steps: readonly (readonly [string, string])[],
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number; output: string }> {
  const [program, args] = commandLine(words);
  const denoDir = Deno.env.get("DENO_DIR");
  const { code, stdout, stderr } = await runCommand(
    "python3",
    [PTY, JSON.stringify(steps), program, ...args],
    {
      cwd: projectRoot(),
      env: { TERM: "xterm", ...(denoDir === undefined ? {} : { DENO_DIR: denoDir }), ...env },
    },
  );
  assertEquals(code, 0, stderr);
  const { left, ...result } = JSON.parse(stdout);
  assertEquals(left, 0, result.output);
  return { ...result, output: result.output.replaceAll("\r\n", "\n") };
}

Deno.test("a line that ends in a backslash goes on, Ctrl-D ends the conversation", async () => {
  await using folder = await testFolder();
  const model = await tinyModelFile(folder);
  const words = ["run", "-m", model, "--temp", "0", "-n", "3"];
  const { code, output } = await onTerminal([
    ["> $", "first \\\n"],
    ["… $", "second\n"],
    ["length.*> $", CTRL_D],
  ], words);
  assertEquals(code, 0, output);
  const { stdout } = await kerf([...words, "--json", "first \nsecond"]);
  assertStringIncludes(output, `: ${JSON.parse(stdout).promptTokens.length} prompt tokens`);
});

Deno.test("Ctrl-C ends an answer, and at the prompt the conversation", async () => {
  await using folder = await testFolder();
  const model = await tinyModelFile(folder, { nLayers: 12, nCtx: 16384 });
  const { code, output } = await onTerminal([
    ["> $", "one two\n"],
    // The echo, then enough that the answer is under way.
    ["one two.{40}", CTRL_C],
    ["interrupted.*> $", CTRL_C],
  ], ["run", "-m", model, "--temp", "0"]);
  assertEquals(code, 130, output);
  assert(!output.includes("    at "), output);
});

Deno.test("what a turn cannot do ends the turn", async () => {
  await using folder = await testFolder();
  const model = await tinyModelFile(folder, { nCtx: 64 });
  const { code, output } = await onTerminal([
    ["> $", `${"x".repeat(80)}\n`],
    ["hint: .*> $", "hi\n"],
    ["length.*> $", CTRL_D],
  ], ["run", "-m", model, "--temp", "0", "-n", "2"]);
  assertEquals(code, 0, output);
  assertMatch(output, /error: Cannot fit a prompt of \d+ tokens .* in the context: it holds 64/);
});

Deno.test("statistics are dimmed on a terminal, unless NO_COLOR is set", async () => {
  await using folder = await testFolder();
  const model = await tinyModelFile(folder);
  const words = ["run", "-m", model, "--temp", "0", "-n", "2", "hi"];
  assertStringIncludes((await onTerminal([], words)).output, "\x1b[2mcpu (");
  const plain = await onTerminal([], words, { NO_COLOR: "1" });
  assertStringIncludes(plain.output, "cpu (");
  assert(!plain.output.includes("\x1b[2m"), plain.output);
});

Deno.test("a conversation is plain text, and needs a terminal", async () => {
  const { code, output } = await onTerminal([], ["run", "--json"]);
  assertEquals(code, 2, output);
  assertStringIncludes(output, "Cannot use --json without a prompt");
  const piped = await kerf(["run"]);
  assertEquals(piped.code, 2);
  assertStringIncludes(piped.stderr, "There is no prompt: standard input is empty");
});
