/** What a token score may not read, found when its kernel is emitted. */

import { assertEquals, assertRejects } from "@std/assert";
import { KerfError } from "../../core/error.ts";
import { openFrontend } from "../../frontend/mod.ts";
import { projectRoot } from "../../sys/cache_dir.ts";
import { emitKernel } from "../emit_kernels.ts";
import { openTemplates } from "../environment.ts";
import { EMIT_TARGETS } from "../targets/mod.ts";
import { FAMILIES } from "./mod.ts";

const root = projectRoot();
const frontend = openFrontend(root, { kernels: "tests/fixtures" });

async function emitted(file: string) {
  const path = `tests/fixtures/reject_emit/${file}.ts`;
  const result = await frontend.lowerFile(path);
  if (!result.ok) throw new Error(JSON.stringify(result.diagnostics));
  const source = { ...result.lowered, authored: [], doc: [] };
  const family = FAMILIES[source.definition.kind]!;
  const request = { head: `token_scores_${file}`, suffixes: ["k_f16t16_v_f16t1_evicted"] };
  return await emitKernel(
    { source, family, request },
    EMIT_TARGETS,
    openTemplates(`${root}/templates`),
  );
}

Deno.test("a score that reads weights without a window, an anchor or sums that are not declared, is refused", async () => {
  const refusals = [
    ["weights_without_window", "they read weights of no queries", "give the step a `window`"],
    [
      "anchor_undeclared",
      "they read an anchor that is not declared",
      'give the step `anchor: "meanUnitKey"`',
    ],
    [
      "attention_undeclared",
      "they read `attention`, which is not declared",
      "give the step `statistics: [columnSums()]`",
    ],
    [
      "expected_undeclared",
      "they read `expected`, which is not declared",
      "give the step `statistics: [queryMoments({ skip: 4, ahead: 512 })]`",
    ],
  ] as const;
  for (const [file, message, hint] of refusals) {
    const error = await assertRejects(() => emitted(file), KerfError, message);
    assertEquals([error.hints, error.where], [[hint], `tests/fixtures/reject_emit/${file}.ts`]);
  }
});
