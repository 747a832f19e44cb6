/** What tests on the WebGPU adapter share: kernels rendered afresh as WGSL and run once by name. */

import { emitKernel } from "../src/emit/emit_kernels.ts";
import type { EmittedKernel } from "../src/emit/emit_kernels.ts";
import { catalog, findKernel } from "../src/emit/catalog.ts";
import { openTemplates } from "../src/emit/environment.ts";
import { loadSources } from "../src/emit/sources.ts";
import { wgsl } from "../src/emit/targets/wgsl/mod.ts";
import { runKernel } from "../src/device/run_kernel.ts";
import type { KernelRun, TypedArray } from "../src/device/run_kernel.ts";
import type { Device } from "../src/device/types.ts";
import { ignoreWithoutAdapter, testWebgpu } from "../src/device/webgpu/testing.ts";
import { projectRoot } from "../src/sys/cache_dir.ts";

export const { sources } = await loadSources(projectRoot());
const templates = openTemplates(`${projectRoot()}/templates`);
const ignore = await ignoreWithoutAdapter();

/** Headers are those of the templates, whatever generated/ holds. */
export const HEADERS = "templates/wgsl/any.wgsl";

const emitted = new Map<string, Promise<EmittedKernel>>();

/** A kernel as WGSL, whether or not it is generated beforehand. */
export function render(name: string): Promise<EmittedKernel> {
  let kernel = emitted.get(name);
  if (kernel === undefined) {
    kernel = emitKernel(findKernel(sources, name)!, [wgsl], templates);
    emitted.set(name, kernel);
  }
  return kernel;
}

/** Every kernel that is generated beforehand. */
export const catalogKernels = (): Promise<EmittedKernel[]> =>
  Promise.all(catalog(sources).map((entry) => emitKernel(entry, [wgsl], templates)));

/** Kernels that have run in this process, by name. */
export const executed = new Set<string>();

/** One run of a kernel that is rendered by its name. */
export interface NamedRun<B extends Readonly<Record<string, TypedArray>>>
  extends Omit<KernelRun<B>, "entry" | "text"> {
  /** Default: the device that all tests share. */
  readonly device?: Device;
}

/**
 * Renders a kernel by its name and runs it once on the adapter.
 *
 * @returns the buffers it may write, the others are not there
 */
export async function runNamed<B extends Readonly<Record<string, TypedArray>>>(
  name: string,
  { device, ...options }: NamedRun<B>,
): Promise<B> {
  const { entry, texts } = await render(name);
  const source = { ...entry.sources.wgsl!, file: HEADERS };
  executed.add(name);
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
