/**
 * Runs one kernel on the CPU for a test. Devices are shared by all tests of a process and never closed.
 */

import { openCpuDevice } from "./cpu/device.ts";
import type { Isa } from "./cpu/isa.ts";
import { machineIsas } from "./cpu/machine_isas.ts";
import { type KernelRun, runKernel as runKernelOn, type TypedArray } from "./run_kernel.ts";
import type { Device } from "./types.ts";

export type { Isa } from "./cpu/isa.ts";
export type { TypedArray } from "./run_kernel.ts";

/** One run of one kernel in C. */
export interface RunKernelOptions<B extends Readonly<Record<string, TypedArray>>>
  extends KernelRun<B> {
  /** Default 2, so that every kernel meets threads. */
  readonly threads?: number;
  /** Default: the best of this machine. */
  readonly isa?: Isa;
}

/** Levels whose own instructions only products of codes name (tests/parity_kernels_test.ts looks). */
const DOTS_ONLY: ReadonlySet<Isa> = new Set(["v4", "v2"]);

const devices = new Map<string, Promise<Device>>();

/** The shared device of a thread count and instruction set. */
export function testDevice(options: { threads?: number; isa?: Isa } = {}): Promise<Device> {
  const { threads = 2, isa } = options;
  const key = `${threads} ${isa}`;
  let device = devices.get(key);
  if (!device) {
    device = openCpuDevice({ threads, ...(isa ? { isa } : {}) });
    devices.set(key, device);
  }
  return device;
}

/**
 * The instruction sets this machine can run, best first: what a test of a kernel loops over. Below bf16, vnni brings
 * nothing that v4 and bf16 have not been tested with.
 *
 * @param options `dots`: kernels that multiply codes or bf16, the only ones for which v4 is not what is above it, nor
 * v2 what is below it
 */
export async function testIsas({ dots = false } = {}): Promise<Isa[]> {
  const [best, ...others] = await machineIsas();
  return [best!, ...others.filter((isa) => isa !== "vnni" && (dots || !DOTS_ONLY.has(isa)))];
}

/** Runs a kernel once on the CPU; see {@linkcode runKernelOn}. */
export async function runKernel<B extends Readonly<Record<string, TypedArray>>>(
  options: RunKernelOptions<B>,
): Promise<Partial<B>> {
  return await runKernelOn(await testDevice(options), options);
}
