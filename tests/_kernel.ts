/**
 * What parity tests share: kernels rendered afresh from kernels/ and templates/, seeded numbers, and which
 * kernels have run.
 */

import { runKernel, testIsas } from "../src/device/testing.ts";
import type { Isa, RunKernelOptions, TypedArray } from "../src/device/testing.ts";
import type { EmittedKernel } from "../src/emit/emit_kernels.ts";
import { openRenderer } from "../src/emit/renderer.ts";
import { projectRoot } from "../src/sys/cache_dir.ts";

/** Runs a kernel once and gives what it writes. */
export type RunKernel = (
  name: string,
  pool: {
    readonly buffers: Record<string, TypedArray>;
    readonly constants: Record<string, number>;
    readonly defines: Record<string, number>;
    readonly step: Record<string, number>;
  },
) => Promise<Record<string, TypedArray>>;

const renderer = openRenderer(projectRoot());
const isas = testIsas();

const rendered = new Map<string, Promise<EmittedKernel>>();

/** A kernel of kernels/ by its name, whether or not it is generated beforehand. */
export function renderNamed(name: string): Promise<EmittedKernel> {
  let kernel = rendered.get(name);
  if (kernel === undefined) {
    kernel = renderer.then((r) => r.render(name));
    rendered.set(name, kernel);
  }
  return kernel;
}

/** The kernels that have run to their end, with the instruction sets they were compiled for. */
export const executed = new Map<string, Set<Isa>>();

/** Runs an emitted kernel once on the CPU. */
export async function runEmitted<B extends Readonly<Record<string, TypedArray>>>(
  { entry, texts }: EmittedKernel,
  options: Omit<RunKernelOptions<B>, "entry" | "text">,
): Promise<Partial<B>> {
  const written = await runKernel({ ...options, entry, text: texts.c! });
  const { name } = entry.signature;
  const isa = options.isa ?? (await isas)[0]!;
  executed.set(name, (executed.get(name) ?? new Set()).add(isa));
  return written;
}

/** Renders a kernel by its name and runs it once on the CPU. */
export async function runNamed<B extends Readonly<Record<string, TypedArray>>>(
  name: string,
  options: Omit<RunKernelOptions<B>, "entry" | "text">,
): Promise<Partial<B>> {
  return await runEmitted(await renderNamed(name), options);
}

/** How a kernel runs on the CPU. */
export interface RunOptions {
  readonly isa?: Isa;
  readonly threads?: number;
}

/** Runs an emitted kernel with what its signature names of a pool. */
export async function runWithPool(
  kernel: EmittedKernel,
  pool: Parameters<RunKernel>[1],
  { isa, threads }: RunOptions = {},
): Promise<Record<string, TypedArray>> {
  const { bindings, constants, defines } = kernel.entry.signature;
  const pick = <T>(names: readonly string[], from: Readonly<Record<string, T>>) =>
    Object.fromEntries(names.map((name) => [name, from[name]!]));
  const bound = bindings.map(({ name }) => name).filter((name) => name !== "step");
  const written = await runEmitted(kernel, {
    ...(isa ? { isa } : {}),
    ...(threads ? { threads } : {}),
    buffers: pick(bound, pool.buffers),
    constants: pick(constants.map(({ name }) => name), pool.constants),
    defines: pick(defines, pool.defines),
    step: pool.step,
  });
  return written as Record<string, TypedArray>;
}

/** Runs kernels by their names, each with what its signature names of a pool. */
export const runPicked = (options: RunOptions = {}): RunKernel => async (name, pool) =>
  await runWithPool(await renderNamed(name), pool, options);

/** Uniform in [−1, 1), the same on every run. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  };
}

/** Activations as trained models have them: mostly small, some outliers, some zeros. */
export function activations(n: number, random: () => number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: n }, () => {
    const kind = random();
    return kind > 0.7 ? 100 * random() : kind < -0.9 ? 0 : random();
  });
}
