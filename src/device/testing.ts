/**
 * Runs one kernel on the CPU for a test: typed arrays in, the written ones out. Devices are shared by all
 * tests of a process and never closed; buffers are freed after each run.
 */

import type { KernelEntry } from "../core/manifest.ts";
import { STEP_FIELDS, type StepField } from "../core/signature.ts";
import { cacheDir } from "../sys/cache_dir.ts";
import { findCompiler } from "../sys/compiler.ts";
import { join } from "@std/path";
import { openCpuDevice } from "./cpu/device.ts";
import { type Isa, isaLevels } from "./cpu/isa.ts";
import { loadRuntime } from "./cpu/runtime.ts";
import type { Device } from "./types.ts";

export type { Isa } from "./cpu/isa.ts";

/** A typed array a kernel may read or write; f16 and bf16 travel as u16 or Float16Array. */
export type TypedArray =
  | Float32Array
  | Float16Array
  | Int32Array
  | Uint32Array
  | Uint16Array
  | Uint8Array
  | Int8Array;

/** One run of one kernel. */
export interface RunKernelOptions<B extends Readonly<Record<string, TypedArray>>> {
  readonly entry: KernelEntry;
  /** The C text; headers are sought beside `entry.sources.c.file`. */
  readonly text: string;
  readonly defines?: Readonly<Record<string, number>>;
  /** Every binding but `step`, by name. Written ones keep what the kernel leaves alone. */
  readonly buffers: B;
  readonly constants?: Readonly<Record<string, number>>;
  /** Fields of the step header; the others are 0. */
  readonly step?: Partial<Record<StepField, number>>;
  /** Default 2, so that every kernel meets threads. */
  readonly threads?: number;
  /** Default: the best of this machine. */
  readonly isa?: Isa;
}

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

/** The instruction sets this machine can run, best first: what a test of a kernel loops over. */
export async function testIsas(): Promise<Isa[]> {
  const compiler = await findCompiler();
  return isaLevels(
    (await loadRuntime({ compiler, dir: join(cacheDir(), "cpu") })).kerf_cpu_level(),
  );
}

/**
 * Runs a kernel once.
 *
 * @returns the buffers it may write (access `write` or `readwrite`), as new arrays of the given kinds
 */
export async function runKernel<B extends Readonly<Record<string, TypedArray>>>(
  options: RunKernelOptions<B>,
): Promise<Partial<B>> {
  const { entry, text, defines = {}, constants = {} } = options;
  const device = await testDevice(options);
  const [kernel] = await device.compile([{ entry, text, defines }]);
  const buffers = Object.fromEntries(
    Object.entries(options.buffers).map(([name, data]) => {
      const buffer = device.allocate(data.byteLength, name);
      device.write(buffer, data);
      return [name, { buffer }];
    }),
  );
  try {
    const program = device.prepare([
      { kernel: kernel!, label: `test of ${entry.signature.name}`, buffers, constants },
    ]);
    await device.run(program, Uint32Array.from(STEP_FIELDS, (f) => options.step?.[f] ?? 0));
    const written: Record<string, TypedArray> = {};
    for (const { name, access } of entry.signature.bindings) {
      const given = options.buffers[name];
      if (access === "read" || given === undefined) continue;
      const { buffer } = await device.read(buffers[name]!.buffer, 0, given.byteLength);
      written[name] = new (given.constructor as new (bytes: ArrayBufferLike) => TypedArray)(buffer);
    }
    return written as Partial<B>;
  } finally {
    for (const { buffer } of Object.values(buffers)) device.free(buffer);
  }
}
