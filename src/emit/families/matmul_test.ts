import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { KerfError } from "../../core/error.ts";
import { openFrontend } from "../../frontend/mod.ts";
import { projectRoot } from "../../sys/cache_dir.ts";
import { c } from "../targets/c/mod.ts";
import type { KernelSource } from "../types.ts";
import { matmul } from "./matmul.ts";

async function sourceOf(name: string): Promise<KernelSource> {
  const result = await openFrontend(projectRoot()).lowerFile(`kernels/ops/${name}.ts`);
  if (!result.ok) throw new Error(`kernels/ops/${name}.ts has problems`);
  return { ...result.lowered, authored: [], doc: ["A product."] };
}

Deno.test("matmul: the outside is ARCHITECTURE.md's, the epilogue's operands last", async () => {
  const source = await sourceOf("matmul_add");
  const unit = matmul.emit(source, { head: "matmul_add", suffixes: ["q8_f32_g16"] }, c);
  const { name, bindings, constants } = unit.signature;
  assertEquals(name, "matmul_add__q8_f32_g16");
  assertEquals(bindings.map((b) => b.name), ["x", "weight", "residual", "y", "step"]);
  assertEquals(constants.map((constant) => constant.name), [
    ...["rows_field", "n_in", "n_out", "x_stride", "y_stride", "y_offset"],
    ...["residual_stride", "residual_offset"],
  ]);
  assertStringIncludes(String(unit.context["epilogue_lines"]), "residual + sum");
});

Deno.test("matmul: an unknown packed order is refused with those there are", async () => {
  const source = await sourceOf("matmul");
  const error: KerfError = assertThrows(
    () => matmul.emit(source, { head: "matmul", suffixes: ["q3_f16_g32"] }, c),
    KerfError,
    'Cannot emit "matmul__q3_f16_g32"',
  );
  assert(error.hints.some((hint) => hint.includes("matmul__q4_f16_g32")));
});
