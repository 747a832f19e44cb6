/** What a target must bring for a kernel. */

import { assertEquals, assertThrows } from "@std/assert";
import { KerfError } from "../core/error.ts";
import { openTemplates } from "./environment.ts";
import { renderUnit } from "./render.ts";
import { EMIT_TARGETS } from "./targets/mod.ts";
import type { KernelUnit } from "./types.ts";

const root = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");

const unit: KernelUnit = {
  signature: { name: "double", bindings: [], constants: [], defines: [] },
  doc: [],
  from: [],
  template: "twice",
  context: {},
  grid: [],
};

for (const target of EMIT_TARGETS) {
  Deno.test(`a kernel without a template for ${target.name} is refused with the file to write`, () => {
    const templates = openTemplates(`${root}/templates`);
    const error: KerfError = assertThrows(() => renderUnit(unit, target, templates), KerfError);
    const file = `templates/${target.name}/twice.${target.extension}.njk`;
    assertEquals(
      error.message,
      `Cannot emit "double" for target ${target.name}: ${file} is missing`,
    );
    assertEquals(error.hints, [
      `write ${file} (ARCHITECTURE.md, "Adding a target")`,
      `deno task gen KERNEL --target ${target.name} emits a kernel whose template is there`,
    ]);
  });
}
