/**
 * Every kernel that is generated as WGSL passes the adapter's own validation, as a shader module and as a
 * pipeline with the bindings its signature says, within limits that ordinary adapters have.
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { KerfError } from "../src/core/mod.ts";
import { findAdapter, openGpu } from "../src/device/webgpu/adapter.ts";
import { openWebgpuDevice } from "../src/device/webgpu/device.ts";
import { createPipeline } from "../src/device/webgpu/shader.ts";
import { completeSource } from "../src/device/webgpu/source.ts";
import { catalogKernels, gpuTest, HEADERS, render, runNamed } from "./_wgsl.ts";

/** Head sizes and groups of models that are run; the last ones are the largest that 16 KiB hold. */
const SHAPES = [[64, 3], [16, 1], [80, 4], [128, 8], [256, 4]] as const;

/**
 * The specification's default limits but for the storage buffers: attention binds up to ten (eleven
 * bindings with channels and a table, of which the step header is a uniform).
 */
const LIMITS = { maxStorageBuffersPerShaderStage: 10 };

gpuTest("every WGSL kernel is valid under the default limits and ten storage buffers", async () => {
  const adapter = await findAdapter();
  const gpu = await adapter!.requestDevice({ requiredLimits: LIMITS });
  const kernels = await catalogKernels();
  for (const { entry: { signature }, texts } of kernels) {
    const shapes = signature.defines.length > 0 ? SHAPES : SHAPES.slice(0, 1);
    for (const [headDim, group] of shapes) {
      const values: Record<string, number> = { HEAD_DIM: headDim, GROUP: group };
      const defines = Object.fromEntries(signature.defines.map((name) => [name, values[name]!]));
      const code = await completeSource({ text: texts.wgsl!, file: HEADERS, defines });
      await createPipeline(gpu, signature, code);
    }
  }
  assert(kernels.length > 50, `only ${kernels.length} kernels`);
  gpu.destroy();
});

const lineOf = (text: string, part: string) =>
  text.split("\n").findIndex((line) => line.includes(part)) + 1;

/** What the adapter says of a kernel in whose complete text `find` is `replace`. */
async function refusal(name: string, find: string, replace: string) {
  const { entry, texts } = await render(name);
  const code = await completeSource({ text: texts.wgsl!, file: HEADERS, defines: {} });
  assert(code.includes(find), code);
  const broken = code.replace(find, replace);
  const gpu = await openGpu();
  const error = await assertRejects(
    () => createPipeline(gpu, entry.signature, broken),
    KerfError,
  );
  gpu.destroy();
  return { error, broken, file: entry.authored[0]!.file };
}

gpuTest("what is refused of an author's expression names the author's line", async () => {
  const find = "let y: f32 = x + residual;";
  const { error, file } = await refusal("residual_add", find, "let y: f32 = x + nothing;");
  const author = Deno.readTextFileSync(new URL(`../${file}`, import.meta.url));
  const place = `${file}:${lineOf(author, "=> x + residual")}`;
  assertEquals(error.where, place);
  assert(error.message.includes(`${place}: `), error.message);
  assert(error.message.includes("let y: f32 = x + nothing;"), error.message);
});

gpuTest("what is refused of a template names the shader's line and shows it", async () => {
  const { error, broken } = await refusal("residual_add", "= y;", "= nothing;");
  assertEquals(error.where, undefined);
  const place = `residual_add.wgsl:${lineOf(broken, "= nothing;")}:`;
  assert(error.message.includes(place), error.message);
  assert(error.message.includes("= nothing;"), error.message);
});

gpuTest("a grid longer than one axis computes every row once", async () => {
  const [nRows, width] = [37, 3];
  const x = Float32Array.from({ length: nRows * width }, (_, i) => i);
  const sizes = { x_stride: width, x_offset: 0, y_stride: width, y_offset: 0 };
  for (const longestAxis of [7, 13, 36, 37]) {
    const device = await openWebgpuDevice({ longestAxis });
    const { y } = await runNamed("residual_add", {
      buffers: { x, residual: x, y: new Float32Array(nRows * width + 4).fill(-7) },
      constants: { rows_field: 0, width, ...sizes, residual_stride: width, residual_offset: 0 },
      step: { nRows },
      device,
    });
    device.close();
    assertEquals(y.slice(0, -4), x.map((value) => 2 * value), `axis of ${longestAxis}`);
    assertEquals([...y.slice(-4)], [-7, -7, -7, -7]);
  }
});
