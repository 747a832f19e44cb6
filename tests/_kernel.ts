/** What parity tests share: kernels rendered afresh from kernels/ and templates/, seeded numbers. */

import { runKernel } from "../src/device/testing.ts";
import type { RunKernelOptions, TypedArray } from "../src/device/testing.ts";
import { openRenderer } from "../src/emit/renderer.ts";
import { projectRoot } from "../src/sys/cache_dir.ts";

const renderer = openRenderer(projectRoot());

/** Renders a kernel by its name and runs it once on the CPU. */
export async function runNamed<B extends Readonly<Record<string, TypedArray>>>(
  name: string,
  options: Omit<RunKernelOptions<B>, "entry" | "text">,
): Promise<Partial<B>> {
  const { entry, texts } = await (await renderer).render(name);
  return await runKernel({ ...options, entry, text: texts.c! });
}

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
