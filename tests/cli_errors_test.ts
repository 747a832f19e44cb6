/**
 * What a person reads when something is wrong: one error, where and why, the exact thing to type, the
 * right exit code, never a stack trace, and nothing on standard output.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { tinyModel } from "../src/model/testing.ts";
import { testFolder } from "../src/model/testing_files.ts";
import { projectRoot } from "../src/sys/cache_dir.ts";
import { runCommand } from "../src/sys/command.ts";
import { kerf, tinyModelFile } from "./_cli.ts";
import type { KerfOptions } from "./_cli.ts";

async function assertError(
  words: readonly string[],
  expected: { code: number; message: RegExp; hint: RegExp },
  options: KerfOptions = {},
): Promise<void> {
  const { code, stdout, stderr } = await kerf(words, options);
  assertEquals({ code, stdout }, { code: expected.code, stdout: "" }, stderr);
  // Progress may come first.
  const text = stderr.slice(stderr.indexOf("error: "));
  assertMatch(text, expected.message);
  assertMatch(text, new RegExp(`^hint: .*${expected.hint.source}`, "m"));
  assert(!/^ {4}at |Uncaught/m.test(stderr), stderr);
}

Deno.test("a wrong command line is exit code 2, before anything is loaded", async () => {
  const wrong: [string[], RegExp, RegExp][] = [
    [["run", "--tmep", "0", "hi"], /Unknown flag "--tmep" of run/, /did you mean --temp\?/],
    [["run", "-hello"], /Unknown flag "-hello"/, /deno task run -- "-hello"/],
    [
      ["run", "--device", "gpu", "hi"],
      /"gpu" for --device: .* auto, cpu, webgpu, cuda/,
      /--device/,
    ],
    [["run", "-n", "many", "hi"], /"many" for -n: it must be a whole number/, /-n N/],
    [["run", "-n", "-2", "hi"], /Cannot generate -2 tokens/, /-n 128/],
    [["run", "-n"], /its value is missing/, /-n N/],
    [["run", "--temp", "-1", "hi"], /--temp -1: it must be 0 or more/, /--temp 0\.8/],
    [["run", "--kv-max", "big", "hi"], /a size such as 512K, 64M or 2G/, /--kv-max SIZE/],
    [["run", ""], /There is no prompt: the text is empty/, /deno task run "What/],
    [["run"], /There is no prompt: standard input is empty/, /deno task run "What/],
    [
      ["run", "-f", "nothing.txt"],
      /nothing\.txt": there is no such file/,
      /counts from/,
    ],
    [["run", "-f", "src"], /src": it is a folder/, /counts from/],
    [["run", "--compress-after", "file", "hi"], /after a file: none was given/, /-f FILE/],
    [["run", "-m", "hf:nobody", "hi"], /it is no hf:user\/repo\[:QUANT\]/, /-m hf:/],
    [["inspect", "modle"], /Cannot inspect "modle"/, /did you mean deno task inspect model\?/],
    [["inspect", "model", "x"], /inspect model takes flags only/, /deno task inspect --help/],
    [["bench", "-p", "0", "-n", "0"], /nothing to measure/, /-p 512 -n 128/],
    [["bench", "tune", "-r", "0"], /nothing to measure/, /-p 512 -r 31/],
    [["bench", "tune", "--isa", "avx9"], /"avx9" for --isa: it must be one of/, /--isa NAME/],
    [["bench", "-o", "yaml"], /one of md, csv, json, jsonl/, /-o FORMAT/],
    [["gen", "thnik"], /Cannot generate "thnik"/, /think/],
  ];
  for (const [words, message, hint] of wrong) await assertError(words, { code: 2, message, hint });
});

Deno.test("the launcher without a command, or with one that is none, says what there is", async () => {
  const launch = async (...words: string[]) => {
    const flags = ["run", "--quiet", "--allow-read", "--allow-env", "--allow-run"];
    const { code, stdout, stderr } = await runCommand(
      Deno.execPath(),
      [...flags, "src/cli/launch.ts", ...words],
      { cwd: projectRoot() },
    );
    return { code, text: stdout + stderr };
  };
  const overview = await launch("--help");
  assertEquals(overview.code, 0);
  assertMatch(overview.text, /^ {2}run +answer a prompt$/m);
  assertEquals(await launch(), { ...overview, code: 2 });
  const unknown = { code: 2, text: 'error: Unknown command "rnu"\nhint: did you mean run?\n' };
  assertEquals(await launch("rnu"), unknown);
});

Deno.test("a spec that makes no sense is exit code 2 and names what there is", async () => {
  await using folder = await testFolder();
  const model = await tinyModelFile(folder);
  const wrong: [string[], RegExp, RegExp][] = [
    [["--prune", "thnk"], /"thnk": kernels\/prune\/ has no such file/, /did you mean think\?/],
    [["--prune", "think:ratoi=1"], /"ratoi" of "think"/, /did you mean ratio\?/],
    [["--prune", "think:ratio=2"], /ratio=2 .* from 0 to 0\.95/, /ratio=0\.5/],
    [["--attention", "causl"], /kernels\/attention\/ has no such file/, /did you mean causal\?/],
    [["--activations", "f16"], /f16 activations on cpu/, /--activations q8/],
    [["-c", "513"], /context of 513 tokens: the model knows 512/, /-c 512/],
    [["-t", "0"], /0 threads/, /-t \d/],
  ];
  for (const [flags, message, hint] of wrong) {
    await assertError(["run", "-m", model, ...flags, "hi"], { code: 2, message, hint });
  }
});

Deno.test("work that cannot be done is exit code 1", async () => {
  await using folder = await testFolder();
  const model = await tinyModelFile(folder);
  const truncated = await folder.write("cut.gguf", tinyModel().subarray(0, 5000));
  const wrong: [string[], RegExp, RegExp][] = [
    [["-m", "nowhere.gguf"], /nowhere\.gguf": there is no such file/, /-m/],
    [["-m", "deno.json"], /deno\.json" as a GGUF model: it starts with/, /\.gguf/],
    [["-m", truncated], /cut\.gguf" as a GGUF model: .* 5000/, /download it again/],
    [["-m", model, "--raw", "-c", "4"], /in the context: it holds 4/, /shorten the prompt/],
    [["-m", model, "--raw", "-n", "510"], /and 510 tokens of answer/, /-n 50\d/],
    [["-m", model, "--kv-max", "1K"], /--kv-max 1\.0 KiB: the cache needs/, /--kv-max 1M/],
  ];
  for (const [flags, message, hint] of wrong) {
    await assertError(["run", ...flags, "to be or not"], { code: 1, message, hint });
  }
});

Deno.test("a batch line that is none is named", async () => {
  await using folder = await testFolder();
  const file = await folder.write("b.jsonl", '{"prompt": "hi"}\n{"prmpt": "hi"}\n');
  const message = /neither a prompt nor messages\n {2}at .*b\.jsonl:2/;
  await assertError(["run", "-f", file], { code: 2, message, hint: /one \{"prompt"/ });
  await assertError(["run", "-f", file, "hi"], {
    code: 2,
    message: /Cannot add a prompt to the batch/,
    hint: /put the prompt into the file/,
  });
});

Deno.test("what is missing on the machine is named with the command that installs it", async () => {
  await using folder = await testFolder();
  const model = await tinyModelFile(folder);
  const bare = { PATH: folder.path, KERF_CACHE: folder.path };
  await assertError(["run", "-m", model, "hi"], {
    code: 1,
    message: /no C compiler \(cc, gcc, clang\) was found/,
    hint: /(apt-get install gcc|xcode-select --install)/,
  }, { env: bare });
  await assertError(["run", "hi"], {
    code: 1,
    message: /python3/,
    hint: /apt-get install python3-pip/,
  }, { env: bare });
});

Deno.test("a cache that cannot be written is an error with the way out", async () => {
  await using folder = await testFolder();
  const model = await tinyModelFile(folder);
  for (const KERF_CACHE of [`${model}/cache`, "/proc/kerf"]) {
    const error = { code: 1, message: /^error: Cannot use /, hint: /KERF_CACHE=DIR/ };
    await assertError(["run", "-m", model, "hi"], error, { env: { KERF_CACHE } });
  }
});
