/**
 * Parity of CUDA without a GPU: the cases of tests/gpu/ on the checked emulator, which hold every generated
 * kernel to its reference, and to the CPU's bits where it promises them. Each runs three times: by the CUDA
 * device on the emulated driver, with the kernel's own grid, and with two blocks that loop over all items.
 * The bits must be the same. At a model's sizes kernels run once and unchecked.
 */

import { assertEquals } from "@std/assert";
import type { TypedArray } from "../src/device/run_kernel.ts";
import type { EmittedKernel } from "../src/emit/emit_kernels.ts";
import { launchOnce, render, runOnDevice } from "./_cuda.ts";
import { testOn } from "./_gpu.ts";
import type { NamedRun, StripOfRun } from "./_gpu.ts";

async function run<B extends Readonly<Record<string, TypedArray>>>(
  kernel: EmittedKernel,
  options: NamedRun<B>,
  large: boolean,
): Promise<B> {
  const written = await runOnDevice(kernel, { ...options, checked: !large });
  if (large) return written;
  assertEquals(await launchOnce(kernel, options), written, "the kernel's own grid");
  assertEquals(await launchOnce(kernel, { ...options, grid: 2 }), written, "a grid of two blocks");
  return written;
}

async function runStrip<B extends Readonly<Record<string, TypedArray>>>(
  kernel: EmittedKernel,
  options: NamedRun<B> & { readonly strip: StripOfRun },
  large: boolean,
): Promise<B & Pick<StripOfRun, "weights">> {
  const once = async (grid: number) => {
    const weights = options.strip.weights.slice();
    const strip = { ...options.strip, weights };
    return { ...await launchOnce(kernel, { ...options, strip, grid, checked: !large }), weights };
  };
  const written = await once(100);
  if (!large) assertEquals(await once(2), written, "a grid of two blocks");
  return written;
}

await testOn({
  name: "CUDA, emulated",
  target: "cuda",
  exact: true,
  test: (name, fn) => Deno.test(name, fn),
  render,
  run,
  runStrip,
});
