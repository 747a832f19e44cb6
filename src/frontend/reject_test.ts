/**
 * Programs that must be rejected: each file of tests/fixtures/reject/ gives exactly the text beside it.
 * `deno test -A src/frontend/reject_test.ts -- --update` rewrites the texts: read the diff.
 */

import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { CODES, openFrontend, renderDiagnostics } from "./mod.ts";

const root = fromFileUrl(new URL("../..", import.meta.url)).replace(/\/$/, "");
const folder = "tests/fixtures/reject";
const files = ["", "prune/"].flatMap((sub) =>
  [...Deno.readDirSync(`${root}/${folder}/${sub}`)].map(({ name }) => sub + name)
).filter((name) => name.endsWith(".ts")).toSorted();

Deno.test("every program of tests/fixtures/reject/ is rejected as its text says", async (t) => {
  const frontend = openFrontend(root, { kernels: "tests/fixtures" });
  const codes = new Set<string>();
  for (const name of files) {
    await t.step(name, async () => {
      const result = await frontend.lowerFile(`${folder}/${name}`);
      if (result.ok) throw new Error("it was accepted");
      const text = renderDiagnostics(result.diagnostics, { color: false });
      for (const { code } of result.diagnostics) codes.add(code);
      const path = `${root}/${folder}/${name.replace(/\.ts$/, ".txt")}`;
      if (Deno.args.includes("--update")) Deno.writeTextFileSync(path, text);
      assertEquals(text, Deno.readTextFileSync(path));
    });
  }
  await t.step("every code has a program", () => {
    assertEquals(Object.keys(CODES).filter((code) => !codes.has(code)), []);
  });
  await t.step("there are at least 100 programs", () => assert(files.length >= 100));
});

Deno.test("lowerAll reports the problems of all files", async () => {
  const frontend = openFrontend(root, { kernels: "tests/fixtures" });
  const chosen = ["math_round.ts", "loose_equality.ts", "broken.ts"];
  const { lowered, diagnostics } = await frontend.lowerAll(chosen.map((f) => `${folder}/${f}`));
  assertEquals(lowered, []);
  const seen = new Set(diagnostics.map((d) => d.span.file.slice(folder.length + 1)));
  assertEquals([...seen].toSorted(), chosen.toSorted());
});

Deno.test("colour changes nothing but escape sequences", async () => {
  const frontend = openFrontend(root, { kernels: "tests/fixtures" });
  const result = await frontend.lowerFile(`${folder}/math_round.ts`);
  if (result.ok) throw new Error("it was accepted");
  const colored = renderDiagnostics(result.diagnostics, { color: true });
  // deno-lint-ignore no-control-regex -- the escapes are what is removed
  const plain = colored.replaceAll(/\x1b\[[0-9;]*m/g, "");
  assert(colored !== plain);
  assertEquals(plain, renderDiagnostics(result.diagnostics, { color: false }));
});
