/** Programs that must be accepted: each hook of tests/fixtures/accept/ equals the author's function. */

import { assert } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { openFrontend, renderDiagnostics } from "./mod.ts";
import { assertParity } from "./parity.ts";

const root = fromFileUrl(new URL("../..", import.meta.url));
const folder = "tests/fixtures/accept";
const files = [...Deno.readDirSync(`${root}/${folder}`)]
  .map((entry) => entry.name)
  .filter((name) => name.endsWith(".ts"))
  .toSorted();

Deno.test("every program of tests/fixtures/accept/ equals the author's function", async (t) => {
  const frontend = openFrontend(root, { kernels: "tests/fixtures" });
  for (const name of files) {
    await t.step(name, async () => {
      const result = await frontend.lowerFile(`${folder}/${name}`);
      if (!result.ok) throw new Error(renderDiagnostics(result.diagnostics, { color: false }));
      const { definition, funcs } = result.lowered;
      assert(definition.hooks.length > 0);
      for (const hook of definition.hooks) assertParity(hook, funcs[hook.path]!);
    });
  }
});
