import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { KerfError } from "../core/error.ts";
import { helpText, overviewText, parseCommand, parseSize } from "./args.ts";
import { commandAt, commandFile, commandOf, COMMANDS } from "./flags.ts";

const run = (...words: string[]) => parseCommand(commandOf("run")!, words);

Deno.test("several-letter flags with one dash are one flag", () => {
  assertEquals(run("-sys", "be brief", "-ctk", "f32", "hi"), {
    values: { sys: "be brief", ctk: "f32" },
    positionals: ["hi"],
    help: false,
  });
});

Deno.test("negative values are values", () => {
  assertEquals(run("-n", "-1", "-s", "-3").values, { n: -1, s: -3 });
});

Deno.test("prompts that look like numbers or flags come through", () => {
  for (const prompt of ["42", "1e3", "-1", "--", "-", "-1.5e3", "0x10", ""]) {
    assertEquals(run(prompt).positionals, [prompt]);
  }
  assertEquals(run("--", "-sys", "--json").positionals, ["-sys", "--json"]);
  assertEquals(run("a", "--", "--").positionals, ["a", "--"]);
});

Deno.test("both dashes and = are accepted", () => {
  assertEquals(run("--temp=0", "-temp", "0.5").values, { temp: 0.5 });
  assertEquals(run("--model", "a b.gguf", "--kv-max", "64M").values, {
    m: "a b.gguf",
    "kv-max": 64 * 1024 ** 2,
  });
});

Deno.test("an unknown flag names the nearest", () => {
  const error = assertThrows(() => run("--tmep", "0"), KerfError, 'Unknown flag "--tmep" of run');
  assertEquals(error.exitCode, 2);
  assertStringIncludes(error.render(), "did you mean --temp?");
});

Deno.test("bad values say what is wanted", () => {
  assertThrows(() => run("-n", "many"), KerfError, "a whole number");
  assertThrows(() => run("-n"), KerfError, "its value is missing");
  assertThrows(() => run("--kv-max", "big"), KerfError, "a size such as");
  assertThrows(() => run("-ctk", "f17"), KerfError, "did you mean f16?");
  assertThrows(() => run("--json=yes"), KerfError, "takes no value");
});

Deno.test("a flag that is like none is taken for a text", () => {
  const error = assertThrows(() => run("-thinking-aloud"), KerfError);
  assertStringIncludes(error.render(), 'as a text: deno task run -- "-thinking-aloud"');
  assertEquals(run("--", "-thinking-aloud").positionals, ["-thinking-aloud"]);
});

Deno.test("of a flag given twice the last counts, unless it repeats", () => {
  assertEquals(run("-n", "1", "-n", "2").values, { n: 2 });
  const gen = parseCommand(commandOf("gen")!, ["--target", "c", "--target", "wgsl"]);
  assertEquals(gen.values, { target: ["c", "wgsl"] });
  assertThrows(
    () => parseCommand(commandOf("gen")!, ["--target", "c", "--target", "metal"]),
    KerfError,
    '"metal" for --target',
  );
});

Deno.test("the overview names every command", () => {
  for (const { name, summary } of COMMANDS) {
    assertStringIncludes(overviewText(), name);
    assertStringIncludes(overviewText(), summary);
  }
});

Deno.test("a command of two words goes before that of the first, and each has its file", () => {
  const at = (...words: string[]) => [commandAt(words)?.command.name, commandAt(words)?.rest];
  assertEquals(at("eval", "calibrate", "-o", "x"), ["eval calibrate", ["-o", "x"]]);
  assertEquals(at("eval", "--text", "calibrate"), ["eval", ["--text", "calibrate"]]);
  assertEquals(at("eval"), ["eval", []]);
  assertEquals(at("evaluate", "calibrate"), [undefined, undefined]);
  for (const { name } of COMMANDS) Deno.statSync(new URL(commandFile(name), import.meta.url));
});

Deno.test("bench takes lists and repeats", () => {
  const bench = parseCommand(commandOf("bench")!, [
    ...["-p", "512,1024", "-d", "0,4096", "--prune", "none", "--prune", "think:ratio=0.5"],
  ]);
  assertEquals(bench.values, {
    p: [512, 1024],
    d: [0, 4096],
    prune: ["none", "think:ratio=0.5"],
  });
});

Deno.test("sizes", () => {
  assertEquals(parseSize("1.5K"), 1536);
  assertEquals(parseSize("2GiB"), 2 * 1024 ** 3);
  assertEquals(parseSize("7"), 7);
  assertEquals(parseSize("-1"), undefined);
});

Deno.test("every command's help shows its flags and a runnable example", () => {
  for (const command of COMMANDS) {
    const text = helpText(command);
    assertStringIncludes(text, `example: deno task ${command.name}`);
    for (const flag of command.flags) assertStringIncludes(text, flag.help);
    const words = command.example.replace("deno task ", "").match(/"[^"]*"|\S+/g)!.slice(1);
    if (command.name !== "test") parseCommand(command, words);
  }
});

Deno.test("a value is taken as it is: empty, of several lines, with = or dashes, a number", () => {
  for (const text of ["", "a\nb", "a=b", "--json", "-1", "no", "007", " x "]) {
    assertEquals(run("-sys", text).values, { sys: text }, JSON.stringify(text));
  }
});
