/**
 * What the cases of tests/gpu/ share: they are written once and run on every GPU target. A test file
 * chooses the target, registers the cases with {@linkcode testOn} and so learns of every generated kernel
 * that no case ran.
 */

import { assertEquals } from "@std/assert";
import type { Manifest, Target } from "../src/core/mod.ts";
import type { KernelRun, TypedArray } from "../src/device/run_kernel.ts";
import type { EmittedKernel } from "../src/emit/emit_kernels.ts";
import { projectRoot } from "../src/sys/cache_dir.ts";
import type { RunKernel } from "./_kernel.ts";

export { sources } from "./_emitted.ts";

/** One run of a kernel that is rendered by its name. */
export type NamedRun<B extends Readonly<Record<string, TypedArray>>> = Omit<
  KernelRun<B>,
  "entry" | "text"
>;

/** A strip of a product's outputs, for the entry points around a library's product. */
export interface StripOfRun {
  readonly entryPoint: "unpack" | "finish";
  /** f32 [packed rows of the strip, nIn]; `unpack` writes it. */
  readonly weights: Float32Array<ArrayBuffer>;
  /** f32 [nRows, n or the packed rows of two products]; `finish` reads it. */
  readonly sums: Float32Array<ArrayBuffer>;
  readonly first: number;
  readonly n: number;
}

/** A target and what its cases run on. */
export interface Gpu {
  /** Starts the name of every test. */
  readonly name: string;
  readonly target: Target;
  /** Whether arithmetic is IEEE's and fused exactly where a kernel says so: then bits are the CPU's. */
  readonly exact: boolean;
  test(name: string, fn: () => Promise<void>): void;
  render(name: string): Promise<EmittedKernel>;
  /**
   * Runs a kernel once and gives the buffers it may write.
   *
   * @param large the sizes are a model's: too much to check every access of an emulation
   */
  run<B extends Readonly<Record<string, TypedArray>>>(
    kernel: EmittedKernel,
    options: NamedRun<B>,
    large: boolean,
  ): Promise<B>;
  /**
   * Runs an entry point around a library's product, where the target has them.
   *
   * @returns the buffers that the kernel may write, and the strip's weights
   */
  runStrip?<B extends Readonly<Record<string, TypedArray>>>(
    kernel: EmittedKernel,
    options: NamedRun<B> & { readonly strip: StripOfRun },
    large: boolean,
  ): Promise<B & Pick<StripOfRun, "weights">>;
}

let chosen: Gpu | undefined;
let large = false;
/** Kernels that have run to their end, at a case's own sizes and at a model's. */
const executed = { small: new Set<string>(), large: new Set<string>() };

/** The target at hand. @throws {Error} outside {@linkcode testOn} */
export function gpu(): Gpu {
  if (chosen === undefined) throw new Error("tests/gpu/ runs through testOn (tests/_gpu.ts)");
  return chosen;
}

/** A test on the target at hand. */
export const gpuTest = (name: string, fn: () => Promise<void>): void =>
  gpu().test(`${gpu().name}: ${name}`, fn);

/** A kernel as the target at hand has it. */
export const render = (name: string): Promise<EmittedKernel> => gpu().render(name);

/** Renders a kernel by its name and runs it once. */
export async function runNamed<B extends Readonly<Record<string, TypedArray>>>(
  name: string,
  options: NamedRun<B>,
): Promise<B> {
  const written = await gpu().run(await render(name), options, large);
  executed[large ? "large" : "small"].add(name);
  return written;
}

/** Runs a kernel by its name with what its signature names of a pool. */
export const runPicked: RunKernel = async (name, { buffers, constants, defines, step }) => {
  const { signature } = (await render(name)).entry;
  const pick = <T>(names: readonly string[], from: Readonly<Record<string, T>>) =>
    Object.fromEntries(names.map((own) => [own, from[own]!]));
  const bound = signature.bindings.map((binding) => binding.name).filter((own) => own !== "step");
  return await runNamed(name, {
    buffers: pick<TypedArray>(bound, buffers),
    constants: pick(signature.constants.map((constant) => constant.name), constants),
    defines: pick(signature.defines, defines),
    step,
  });
};

/** Renders a kernel by its name and runs an entry point around a library's product. */
export async function runStrip<B extends Readonly<Record<string, TypedArray>>>(
  name: string,
  options: NamedRun<B> & { readonly strip: StripOfRun },
): Promise<B & Pick<StripOfRun, "weights">> {
  const kernel = await render(name);
  const written = await gpu().runStrip!(kernel, options, large);
  const entryPoints = kernel.entry.sources[gpu().target]!.product!;
  executed[large ? "large" : "small"].add(entryPoints[options.strip.entryPoint]);
  return written;
}

/** A test whose kernels run at a model's sizes. */
export const modelSizeTest = (name: string, fn: () => Promise<void>): void =>
  gpuTest(name, async () => {
    large = true;
    try {
      await fn();
    } finally {
      large = false;
    }
  });

/**
 * Registers every case of tests/gpu/ on a target, then one test that every kernel of generated/ has run.
 * The cases import this module, so a process tests one target.
 */
export async function testOn(target: Gpu): Promise<void> {
  chosen = target;
  const folder = new URL("gpu/", import.meta.url);
  const files = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  for (const file of files) await import(new URL(file, folder).href);
  // Tests run in the order they were registered: this one last.
  gpuTest("every generated kernel has run, and at a model's sizes", async () => {
    const text = await Deno.readTextFile(`${projectRoot()}/generated/manifest.json`);
    const { kernels } = JSON.parse(text) as Manifest;
    const names = Object.entries(kernels).flatMap(([name, { sources }]) => {
      const source = sources[target.target];
      if (source === undefined) return [];
      const { product } = source;
      return product ? [name, product.unpack, product.finish] : [name];
    });
    assertEquals(names.filter((name) => !executed.small.has(name)), []);
    assertEquals(names.filter((name) => !executed.large.has(name)), []);
  });
}
