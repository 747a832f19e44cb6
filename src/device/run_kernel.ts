/**
 * Runs one kernel once on any device: typed arrays in, the written ones out. For tests, verification and
 * measurements of single kernels; an engine makes a plan instead.
 */

import type { KernelEntry } from "../core/manifest.ts";
import { STEP_FIELDS, type StepField } from "../core/signature.ts";
import type { CompiledKernel, Device } from "./types.ts";

/** A typed array a kernel may read or write; f16 and bf16 travel as u16 or Float16Array. */
export type TypedArray =
  | Float32Array
  | Float16Array
  | Int32Array
  | Uint32Array
  | Uint16Array
  | Uint8Array
  | Int8Array;

/** What one run of a compiled kernel binds. */
export interface CompiledRun<B extends Readonly<Record<string, TypedArray>>> {
  /** Every binding but `step`, by name. Written ones keep what the kernel leaves alone. */
  readonly buffers: B;
  readonly constants?: Readonly<Record<string, number>>;
  /** Fields of the step header; the others are 0. */
  readonly step?: Partial<Record<StepField, number>>;
}

/** One run of one kernel. */
export interface KernelRun<B extends Readonly<Record<string, TypedArray>>> extends CompiledRun<B> {
  readonly entry: KernelEntry;
  /** The device's target's text; headers are sought beside the entry's file. */
  readonly text: string;
  readonly defines?: Readonly<Record<string, number>>;
}

/** Bytes of an array, padded with zeros to a multiple of four: what devices write. */
function padded({ buffer, byteOffset, byteLength }: TypedArray): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(byteLength / 4) * 4);
  bytes.set(new Uint8Array(buffer, byteOffset, byteLength));
  return bytes;
}

/**
 * Compiles a kernel and runs it once. Buffers are freed afterwards.
 *
 * @returns the buffers it may write (access `write` or `readwrite`), as new arrays of the given kinds
 */
export async function runKernel<B extends Readonly<Record<string, TypedArray>>>(
  device: Device,
  options: KernelRun<B>,
): Promise<Partial<B>> {
  const { entry, text, defines = {} } = options;
  const [kernel] = await device.compile([{ entry, text, defines }]);
  return await runCompiled(device, kernel!, options);
}

/** Runs a kernel that is compiled already; see {@linkcode runKernel}. */
export async function runCompiled<B extends Readonly<Record<string, TypedArray>>>(
  device: Device,
  kernel: CompiledKernel,
  options: CompiledRun<B>,
): Promise<Partial<B>> {
  const { signature } = kernel.entry;
  const { constants = {} } = options;
  const buffers = Object.fromEntries(
    Object.entries(options.buffers).map(([name, data]) => {
      const bytes = padded(data);
      const buffer = device.allocate(bytes.length, name);
      device.write(buffer, bytes);
      return [name, { buffer }];
    }),
  );
  try {
    const program = device.prepare([
      { kernel, label: `run of ${signature.name}`, buffers, constants },
    ]);
    await device.run(program, Uint32Array.from(STEP_FIELDS, (f) => options.step?.[f] ?? 0));
    const names = signature.bindings.filter(({ access }) => access !== "read")
      .map(({ name }) => name).filter((name) => options.buffers[name] !== undefined);
    // All at once: a device may take as long for one read as for several.
    const written = await Promise.all(names.map(async (name) => {
      const given = options.buffers[name]!;
      const words = Math.ceil(given.byteLength / 4);
      const bytes = await device.read(buffers[name]!.buffer, 0, 4 * words);
      const make = given.constructor as new (bytes: ArrayBufferLike) => TypedArray;
      return [name, new make(bytes.slice(0, given.byteLength).buffer)] as const;
    }));
    return Object.fromEntries(written) as Partial<B>;
  } finally {
    for (const { buffer } of Object.values(buffers)) device.free(buffer);
  }
}
