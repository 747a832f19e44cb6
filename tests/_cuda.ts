/**
 * What tests of emulated CUDA share: kernels rendered afresh as CUDA and run once, by the CUDA device on the
 * emulated driver or launched straight on the emulator, with a grid of the caller's and no byte of memory
 * beside the arrays.
 */

import type { KernelEntry } from "../src/core/manifest.ts";
import { argumentOffsets, STEP_FIELDS } from "../src/core/signature.ts";
import { writeArguments } from "../src/device/argument_struct.ts";
import type { CudaDevice } from "../src/device/cuda/device.ts";
import { openEmulatedCuda } from "../src/device/cuda/emulator/open.ts";
import { STRIP_BYTES, writeStrip } from "../src/device/cuda/strip.ts";
import { countGroups } from "../src/device/grid.ts";
import { runKernel } from "../src/device/run_kernel.ts";
import type { TypedArray } from "../src/device/run_kernel.ts";
import type { DeviceBuffer } from "../src/device/types.ts";
import type { EmittedKernel } from "../src/emit/emit_kernels.ts";
import { cuda } from "../src/emit/targets/cuda/mod.ts";
import { rendererFor } from "./_emitted.ts";
import { addressOf, compileForEmulator } from "./_emulator.ts";
import type { NamedRun, StripOfRun } from "./_gpu.ts";

/** A kernel as CUDA by its name; every kernel that is generated beforehand. */
export const { render, catalog: catalogKernels } = rendererFor(cuda);

const devices = new Map<boolean, CudaDevice>();

/**
 * Runs a kernel once on the CUDA device, which tests share until a kernel fails on it.
 *
 * @returns the buffers it may write, as new arrays
 */
export async function runOnDevice<B extends Readonly<Record<string, TypedArray>>>(
  { entry, texts }: EmittedKernel,
  { checked, ...options }: NamedRun<B> & { readonly checked: boolean },
): Promise<B> {
  const device = devices.get(checked) ?? await openEmulatedCuda({ checked });
  devices.set(checked, device);
  const source = { ...entry.sources.cuda!, file: fileOf(entry) };
  const rendered = { entry: { ...entry, sources: { cuda: source } }, text: texts.cuda! };
  try {
    return await runKernel(device, { ...options, ...rendered }) as B;
  } catch (error) {
    // As a GPU's, its context is of no use after a failure.
    devices.delete(checked);
    throw error;
  }
}

/** Headers are those of the templates, whatever generated/ holds. */
const fileOf = ({ signature }: KernelEntry) => `templates/cuda/${signature.name}.cu`;

/** An array as a device's buffer. */
interface HostBuffer extends DeviceBuffer {
  readonly data: TypedArray;
}

/**
 * Launches a kernel once on the emulator, every access checked unless `checked` is false.
 *
 * @param options `grid`: blocks; default: the kernel's own grid. `strip`: runs an entry point around a
 * library's product, which writes to the strip's own arrays
 * @returns the buffers it may write, as new arrays
 * @throws {Error} the emulator's problem
 */
export async function launchOnce<B extends Readonly<Record<string, TypedArray>>>(
  { entry, texts }: EmittedKernel,
  options: NamedRun<B> & {
    readonly grid?: number;
    readonly strip?: StripOfRun;
    readonly checked?: boolean;
  },
): Promise<B> {
  const { signature } = entry;
  const { defines = {}, constants = {}, strip, checked = true } = options;
  const source = entry.sources.cuda!;
  const { name } = signature;
  const text = texts.cuda!;
  const file = fileOf(entry);
  const launch = await compileForEmulator({ name, text, file, defines }, { checked });
  const step = Uint32Array.from(STEP_FIELDS, (field) => options.step?.[field] ?? 0);
  const buffer = (label: string, data: TypedArray): { buffer: HostBuffer } => ({
    buffer: { label, bytes: data.byteLength, data },
  });
  const buffers = Object.fromEntries(
    Object.entries(options.buffers).map(([name, data]) => [name, buffer(name, data.slice())]),
  );
  const ownBytes = argumentOffsets(signature).bytes;
  const args = new Uint8Array(ownBytes + (strip === undefined ? 0 : STRIP_BYTES));
  const sources = {
    ...{ step: buffer("step", step), isReadOnly: () => false },
    address: ({ buffer }: { buffer: DeviceBuffer }) => addressOf((buffer as HostBuffer).data),
  };
  const invocation = { kernel: { entry }, label: "a test", buffers, constants };
  writeArguments(new DataView(args.buffer, 0, ownBytes), invocation, sources);
  if (strip !== undefined) {
    const [weights, sums] = [addressOf(strip.weights), addressOf(strip.sums)];
    writeStrip(new DataView(args.buffer), ownBytes, { ...strip, weights, sums });
  }
  const entryPoint = strip === undefined ? name : source.product![strip.entryPoint];
  const problem = launch(entryPoint, {
    grid: options.grid ?? countGroups(source.grid, { constants, step }),
    block: source.workgroup!,
    args,
    memory: [
      ...[step, ...Object.values(buffers).map(({ buffer }) => buffer.data)],
      ...(strip === undefined ? [] : [strip.weights, strip.sums]),
    ],
  });
  if (problem !== undefined) throw new Error(problem);
  const written = signature.bindings.flatMap(({ name, access }) =>
    access === "read" ? [] : [[name, buffers[name]!.buffer.data]]
  );
  return Object.fromEntries(written);
}
