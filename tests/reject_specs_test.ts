/**
 * Specs that must be refused before anything is loaded: tests/fixtures/reject_specs.txt holds each with the
 * exact message. `deno test -A tests/reject_specs_test.ts -- --update` rewrites them: read the diff.
 */

import { assert, assertEquals } from "@std/assert";
import { KerfError } from "../src/core/error.ts";
import type { Pruning, Wrapper } from "../src/dsl/mod.ts";
import { prunePlan } from "../src/engine/prune_plan.ts";
import { definitionNames, loadDefinition } from "../src/engine/registry.ts";
import { expandSweep } from "../src/engine/sweep.ts";
import { specWithTables } from "../src/engine/testing_tables.ts";
import { layoutOf } from "../src/layout/mod.ts";
import { testFolder } from "../src/model/testing_files.ts";

const FILE = new URL("fixtures/reject_specs.txt", import.meta.url);

/** The default model's. */
const DIMS = { nLayers: 30, nHeads: 9, nKvHeads: 3, headDim: 64, nCtx: 8192 };

/** Blocks of the file: a line `--prune SPEC`, then what is printed. */
const cases = Deno.readTextFileSync(FILE).trimEnd().split("\n\n").map((block) => {
  const [line = "", ...message] = block.split("\n");
  return { spec: line.replace(/^--prune ?/, ""), message: message.join("\n") };
});

async function refusalOf(spec: string): Promise<string> {
  try {
    for (const each of expandSweep(spec)) await prunePlan(each, DIMS);
  } catch (error) {
    if (!(error instanceof KerfError)) throw error;
    assertEquals(error.exitCode, 2, `${spec}: ${error.message}`);
    assert(error.hints.length > 0, `${spec} is refused without a hint`);
    // What there is grows with every variant and is tested elsewhere.
    return error.render().replace(/(hint: (?:there are|parameters): ).*/g, "$1…");
  }
  throw new Error(`"${spec}" was accepted`);
}

if (Deno.args.includes("--update")) {
  const blocks = await Promise.all(
    cases.map(async ({ spec }) => `--prune ${spec}`.trimEnd() + `\n${await refusalOf(spec)}`),
  );
  await Deno.writeTextFile(FILE, blocks.join("\n\n") + "\n");
}

Deno.test("every spec of tests/fixtures/reject_specs.txt is refused as its text says", async (t) => {
  assert(cases.length >= 40);
  assertEquals(new Set(cases.map(({ spec }) => spec)).size, cases.length, "a spec stands twice");
  for (const { spec, message } of cases) {
    await t.step(`--prune ${spec}`, async () => assertEquals(await refusalOf(spec), message));
  }
});

Deno.test("what a hint says to type is accepted", async (t) => {
  const typed = cases.flatMap(({ message }) =>
    [...message.matchAll(/^hint: (?:use one of them: )?--prune (.*)$/gm)].map(([, spec]) => spec!)
  );
  assert(typed.length >= 40);
  for (const spec of new Set(typed)) {
    await t.step(spec, async () => void await prunePlan(spec, DIMS));
  }
});

Deno.test("every two variants compose, or are refused by name with something else to type", async () => {
  const names = definitionNames("prune");
  await using files = await testFolder();
  const specs = new Map<string, string>();
  for (const name of names) {
    const definition = await loadDefinition<Pruning | Wrapper>("prune", name);
    specs.set(name, await specWithTables(definition, DIMS, files));
  }
  const composed = new Set<string>();
  for (const [a, b] of names.flatMap((a) => names.map((b) => [a, b] as const))) {
    try {
      const { steps } = await prunePlan(`${specs.get(a)}+${specs.get(b)}`, DIMS);
      layoutOf(steps, { key: "f16", value: "f16" });
      composed.add(`${a}+${b}`);
    } catch (error) {
      if (!(error instanceof KerfError)) throw error;
      assertEquals([error.exitCode, error.hints.length], [2, 1], error.message);
      assert(/^Cannot (combine|run) /.test(error.message), error.message);
      for (const name of [a, b]) assert(error.message.includes(`"${name}"`), error.message);
    }
  }
  for (const pair of ["snapkv+think", "snapkv+kivi", "think+kivi"]) {
    assert(composed.has(pair), `${pair} is refused`);
    assert(!composed.has(pair.split("+").toReversed().join("+")), `${pair} in any order`);
  }
});
