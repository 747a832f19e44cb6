/**
 * Parity of CUDA without a GPU: the cases of tests/gpu/ on the checked emulator, which hold every generated
 * kernel to its reference, and to the CPU's bits where it promises them. Each runs twice, with its own grid
 * and with two blocks that loop over all items: the bits must be the same. At a model's sizes kernels run
 * once and unchecked.
 */

import { assertEquals } from "@std/assert";
import type { TypedArray } from "../src/device/run_kernel.ts";
import { render, runEmitted } from "./_cuda.ts";
import type { EmittedKernel } from "../src/emit/emit_kernels.ts";
import { testOn } from "./_gpu.ts";
import type { NamedRun } from "./_gpu.ts";

async function runOnEmulator<B extends Readonly<Record<string, TypedArray>>>(
  kernel: EmittedKernel,
  options: NamedRun<B>,
  large: boolean,
): Promise<B> {
  if (large) return await runEmitted(kernel, { ...options, checked: false });
  const written = await runEmitted(kernel, options);
  assertEquals(await runEmitted(kernel, { ...options, grid: 2 }), written, "a grid of two blocks");
  return written;
}

await testOn({
  name: "CUDA, emulated",
  exact: true,
  test: (name, fn) => Deno.test(name, fn),
  render,
  run: runOnEmulator,
});
