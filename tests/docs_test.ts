/**
 * Holds the documents to the project: tables that are derived say what the folders say, commands parse,
 * paths exist, the vocabulary of kernels is the manifest's.
 */

import { assert, assertEquals } from "@std/assert";
import { TARGETS } from "../src/core/manifest.ts";
import type { Manifest } from "../src/core/manifest.ts";
import { parseCommand } from "../src/cli/args.ts";
import { commandAt, commandOf } from "../src/cli/flags.ts";
import { KerfError } from "../src/core/error.ts";
import { prunePlan } from "../src/engine/prune_plan.ts";
import { definitionNames } from "../src/engine/registry.ts";
import { layoutOf } from "../src/layout/mod.ts";

const read = (path: string) => Deno.readTextFileSync(new URL(`../${path}`, import.meta.url));
const README = read("README.md");
const ARCHITECTURE = read("ARCHITECTURE.md");
const manifest: Manifest = JSON.parse(read("generated/manifest.json"));

const cells = (line: string) => line.split("|").slice(1, -1).map((cell) => cell.trim());

/** Rows of the Markdown table whose header starts with these cells; whole-cell backticks are dropped. */
function table(text: string, ...header: string[]): string[][] {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => header.every((cell, i) => cells(line)[i] === cell));
  assert(start >= 0, `no table ${header}`);
  const rows = lines.slice(start + 2);
  const end = rows.findIndex((line) => !line.startsWith("|"));
  return rows.slice(0, end).map((row) =>
    cells(row).map((cell) => cell.replace(/^`([^`]*)`$/, "$1"))
  );
}

Deno.test("README's variants are the folders'", () => {
  const names = (header: string) => table(README, header, "what").map(([name]) => name);
  assertEquals(names("pruning"), definitionNames("prune"));
  assertEquals(names("attention"), definitionNames("attention"));
});

Deno.test("what stands before what is as docs/variants.md says", async () => {
  const dims = { nLayers: 30, nHeads: 9, nKvHeads: 3, headDim: 64, nCtx: 8192 };
  const lines = read("docs/variants.md").split("\n");
  const header = lines.find((line) => cells(line)[0] === "then")!;
  const others = cells(header).slice(1).map((cell) => cell.replaceAll("`", ""));
  for (const [first, ...said] of table(lines.join("\n"), "then")) {
    for (const [i, other] of others.entries()) {
      const spec = `${first}+${other}`;
      const plan = await prunePlan(spec, dims).catch((error) => {
        if (error instanceof KerfError && error.exitCode === 2) return null;
        throw error;
      });
      if (plan) layoutOf(plan.steps, { key: "f16", value: "f16" });
      assertEquals(plan ? "yes" : "no", said[i], spec);
    }
  }
});

Deno.test("README's devices are those that --device takes, its targets the manifest's", () => {
  const flag = commandOf("run")!.flags.find(({ name }) => name === "device")!;
  const devices = flag.choices!.filter((name) => name !== "auto");
  assertEquals(table(README, "device", "needs").map(([name]) => name).sort(), [...devices].sort());
  const targets = table(README, "target", "device");
  assertEquals(targets.map(([name]) => name!.toLowerCase()).sort(), [...TARGETS].sort());
  assertEquals(targets.map(([, device]) => device).sort(), [...devices].sort());
});

Deno.test("README shows think.ts as it is", () => {
  const file = read("kernels/prune/think.ts").replace(/\/\*\*[\s\S]*?\*\/\n/, "");
  assert(README.includes(file.trim()), "the excerpt in README.md differs from the file");
});

Deno.test("commands in README parse", () => {
  const blocks = [...README.matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1]!);
  const lines = blocks.flatMap((block) => block.split("\n")).map((line) => line.split("#")[0]!);
  const commands = lines.flatMap((line) => {
    const words = (line.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replaceAll('"', ""));
    const at = words.indexOf("task");
    // Lines with brackets or bars are usage, not commands.
    return at < 0 || /[[|·]/.test(line) ? [] : [words.slice(at + 1)];
  });
  assert(commands.length >= 8, `only ${commands.length} commands found`);
  for (const words of commands) {
    const found = commandAt(words);
    if (!found) throw new Error(`README has no command "${words[0]}"`);
    if (found.command.name !== "test") parseCommand(found.command, found.rest);
  }
});

Deno.test("paths named in the documents exist", () => {
  for (const [name, text] of Object.entries({ README, ARCHITECTURE })) {
    const folders = "src|kernels|templates|tests|docs|bench|tools|generated";
    for (const [, path] of text.matchAll(new RegExp(`\`((?:${folders})/[\\w./-]*)\``, "g"))) {
      Deno.statSync(new URL(`../${path}`, import.meta.url));
      assert(path, name);
    }
  }
});

Deno.test("links of the documents lead somewhere", () => {
  for (const text of [README, ARCHITECTURE]) {
    for (const [, link] of text.matchAll(/\]\(([^)#]+)\)/g)) {
      if (!link!.startsWith("http")) Deno.statSync(new URL(`../${link}`, import.meta.url));
    }
  }
});

Deno.test("every buffer of ARCHITECTURE's vocabulary is bound as it says", () => {
  const rows = table(ARCHITECTURE, "buffer", "type and shape");
  const documented = new Map(
    rows.flatMap(([names, type]) =>
      names!.split(",").map((name) => [name.trim().replaceAll("`", ""), type!.split(" ")[0]!])
    ),
  );
  const seen = new Set<string>();
  for (const { signature } of Object.values(manifest.kernels)) {
    for (const { name, dtype } of signature.bindings) {
      const type = documented.get(name);
      if (type === undefined) continue;
      seen.add(name);
      assertEquals(dtype, type, `${signature.name} binds ${name} as ${dtype}`);
    }
  }
  assertEquals([...documented.keys()].filter((name) => !seen.has(name)), []);
});

Deno.test("the folder table of ARCHITECTURE lists every folder of src/", () => {
  const listed = table(ARCHITECTURE, "folder", "what it holds").map(([folder]) => folder!);
  const folders = [...Deno.readDirSync(new URL("../src", import.meta.url))]
    .filter((entry) => entry.isDirectory)
    .map((entry) => `src/${entry.name}/`);
  assertEquals(folders.filter((folder) => !listed.includes(folder)).sort(), []);
});
