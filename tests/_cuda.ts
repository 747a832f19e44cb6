/** What tests of emulated CUDA share: kernels rendered afresh as CUDA and run once on the emulator. */

import { argumentOffsets, STEP_FIELDS } from "../src/core/signature.ts";
import { writeArguments } from "../src/device/argument_struct.ts";
import type { TypedArray } from "../src/device/run_kernel.ts";
import type { DeviceBuffer } from "../src/device/types.ts";
import { countGroups } from "../src/device/webgpu/dispatch.ts";
import type { EmittedKernel } from "../src/emit/emit_kernels.ts";
import { cuda } from "../src/emit/targets/cuda/mod.ts";
import { rendererFor } from "./_emitted.ts";
import { addressOf, compileForEmulator } from "./_emulator.ts";
import type { NamedRun } from "./_gpu.ts";

/** A kernel as CUDA by its name; every kernel that is generated beforehand. */
export const { render, catalog: catalogKernels } = rendererFor(cuda);

/** An array as a device's buffer. */
interface HostBuffer extends DeviceBuffer {
  readonly data: TypedArray;
}

/** How a kernel is launched. */
export interface EmulatedOptions {
  /** Default true: every access is checked. */
  readonly checked?: boolean;
  /** Blocks; default: the kernel's own grid. */
  readonly grid?: number;
}

/**
 * Runs a kernel once.
 *
 * @returns the buffers it may write, as new arrays
 * @throws {Error} the emulator's problem
 */
export async function runEmitted<B extends Readonly<Record<string, TypedArray>>>(
  { entry, texts }: EmittedKernel,
  options: NamedRun<B> & EmulatedOptions,
): Promise<B> {
  const { signature } = entry;
  const { defines = {}, constants = {}, checked = true } = options;
  const source = entry.sources.cuda!;
  const { name } = signature;
  const launch = await compileForEmulator(
    { name, text: texts.cuda!, file: source.file, defines },
    { checked },
  );
  const step = Uint32Array.from(STEP_FIELDS, (field) => options.step?.[field] ?? 0);
  const buffer = (label: string, data: TypedArray): { buffer: HostBuffer } => ({
    buffer: { label, bytes: data.byteLength, data },
  });
  const buffers = Object.fromEntries(
    Object.entries(options.buffers).map(([name, data]) => [name, buffer(name, data.slice())]),
  );
  const args = new Uint8Array(argumentOffsets(signature).bytes);
  const sources = {
    ...{ step: buffer("step", step), isReadOnly: () => false },
    address: ({ buffer }: { buffer: DeviceBuffer }) => addressOf((buffer as HostBuffer).data),
  };
  const invocation = { kernel: { entry }, label: "a test", buffers, constants };
  writeArguments(new DataView(args.buffer), invocation, sources);
  const problem = launch(name, {
    grid: options.grid ?? countGroups(source.grid, { constants, step }),
    block: source.workgroup!,
    args,
    memory: [step, ...Object.values(buffers).map(({ buffer }) => buffer.data)],
  });
  if (problem !== undefined) throw new Error(problem);
  const written = signature.bindings.flatMap(({ name, access }) =>
    access === "read" ? [] : [[name, buffers[name]!.buffer.data]]
  );
  return Object.fromEntries(written);
}
