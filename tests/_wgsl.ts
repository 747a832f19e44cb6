/** What tests on the WebGPU adapter share: kernels rendered afresh as WGSL and run once by name. */

import type { EmittedKernel } from "../src/emit/emit_kernels.ts";
import { wgsl } from "../src/emit/targets/wgsl/mod.ts";
import { runKernel } from "../src/device/run_kernel.ts";
import type { KernelRun, TypedArray } from "../src/device/run_kernel.ts";
import type { Device } from "../src/device/types.ts";
import { ignoreWithoutAdapter, testWebgpu } from "../src/device/webgpu/testing.ts";
import { rendererFor } from "./_emitted.ts";

const ignore = await ignoreWithoutAdapter();

/** Headers are those of the templates, whatever generated/ holds. */
export const HEADERS = "templates/wgsl/any.wgsl";

/** A kernel as WGSL by its name; every kernel that is generated beforehand. */
export const { render, catalog: catalogKernels } = rendererFor(wgsl);

/** One run of a kernel that is rendered by its name. */
export interface NamedRun<B extends Readonly<Record<string, TypedArray>>>
  extends Omit<KernelRun<B>, "entry" | "text"> {
  /** Default: the device that all tests share. */
  readonly device?: Device;
}

/** Renders a kernel by its name and runs it once on the adapter; see {@linkcode runEmitted}. */
export async function runNamed<B extends Readonly<Record<string, TypedArray>>>(
  name: string,
  options: NamedRun<B>,
): Promise<B> {
  return await runEmitted(await render(name), options);
}

/**
 * Runs a kernel once on the adapter.
 *
 * @returns the buffers it may write, the others are not there
 */
export async function runEmitted<B extends Readonly<Record<string, TypedArray>>>(
  { entry, texts }: EmittedKernel,
  { device, ...options }: NamedRun<B>,
): Promise<B> {
  const source = { ...entry.sources.wgsl!, file: HEADERS };
  return await runKernel(device ?? await testWebgpu(), {
    ...options,
    entry: { ...entry, sources: { wgsl: source } },
    text: texts.wgsl!,
  }) as B;
}

/** A test that needs the adapter: ignored where there is none, unless KERF_REQUIRE names webgpu. */
export function gpuTest(name: string, fn: () => Promise<void>): void {
  // What the graphics driver holds from the first test on is no test's leak.
  Deno.test({ name, ignore, fn, sanitizeOps: false, sanitizeResources: false });
}
