/** What emitters rely on: parameter order and names, the author's names and places, early selects. */

import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { printFunc } from "../ir/print.ts";
import type { Func } from "../ir/types.ts";
import { openFrontend, renderDiagnostics } from "./mod.ts";

const root = fromFileUrl(new URL("../..", import.meta.url));
const frontend = openFrontend(root);
const fixtures = openFrontend(root, { kernels: "tests/fixtures" });

async function hookOf(path: string, hook: string): Promise<Func> {
  const result = await (path.startsWith("tests/") ? fixtures : frontend).lowerFile(path);
  if (!result.ok) throw new Error(renderDiagnostics(result.diagnostics, { color: false }));
  return result.lowered.funcs[hook]!;
}

const namesOf = (func: Func) => func.params.map((p) => p.name);

Deno.test("a record gives one parameter per declared field, in order, used or not", async () => {
  const score = await hookOf("kernels/prune/think.ts", "steps[0].score");
  assertEquals(namesOf(score), [
    "q",
    "k",
    "layer",
    "kvHead",
    "channel",
    "ratio",
    "window",
    "recent",
    "every",
    "refresh",
    "multiple",
  ]);
  assertEquals(score.params.map((p) => p.kind === "scalar" ? p.type : p.kind), [
    "column",
    "column",
    "i32",
    "i32",
    "i32",
    "f32",
    "i32",
    "i32",
    "i32",
    "i32",
    "i32",
  ]);
});

Deno.test("clashing fields are told apart by their argument's position", async () => {
  const each = await hookOf("tests/fixtures/accept/method_and_record.ts", "each");
  assertEquals(namesOf(each), ["x", "gate", "arg1_x", "eps", "reduced"]);
});

Deno.test("a parameter without a name of its own is called by its position", async () => {
  const mask = await hookOf("kernels/attention/causal.ts", "mask");
  assertEquals(namesOf(mask)[0], "arg0");
});

Deno.test("a hook the author left out is the default of kerf/dsl", async () => {
  const score = await hookOf("kernels/attention/causal.ts", "score");
  assertEquals(score.span.file, "src/dsl/attention.ts");
  assertEquals(score.nodes.map((node) => node.kind), ["param"]);
});

Deno.test("think reads as its author wrote it", async () => {
  const score = await hookOf("kernels/prune/think.ts", "steps[0].score");
  const body = printFunc({ ...score, params: score.params.slice(0, 2) }, { spans: false });
  assertEquals(
    body.split("\nreduction")[0],
    [
      "score(q: column, k: column) → f32",
      "  %0:f32 = reduce meanSquare q",
      "  %1:f32 = reduce meanSquare k",
      "  %2:f32 = mul %0 %1",
      "  return %2",
    ].join("\n"),
  );
});

Deno.test("consts keep their names, and every node its author's file and line", async () => {
  const code = await hookOf("kernels/storage/q5_0.ts", "code");
  const lines = Deno.readTextFileSync(`${root}/kernels/storage/q5_0.ts`).split("\n");
  for (const name of ["low", "fifth"]) {
    const node = code.nodes.find((n) => n.name === name && n.kind === "op")!;
    const { file, line, column } = node.span;
    assertEquals(file, "kernels/storage/q5_0.ts");
    assertEquals(lines[line - 1]!.slice(0, column - 1), `    const ${name} = `);
  }
});

Deno.test("a helper's nodes have the helper's place", async () => {
  const rotate = await hookOf("kernels/ops/rope_interleaved.ts", "rotate");
  assertEquals(
    new Set(rotate.nodes.map((n) => n.span.file)),
    new Set(["kernels/ops/rope_half.ts"]),
  );
  assertEquals(rotate.results.length, 2);
});
