/**
 * The WebGPU device: generated WGSL on whatever adapter the machine's graphics driver offers, through
 * Deno's own WebGPU. A run is one submission, with the copy of what is read at its end.
 */

import { STEP_FIELDS } from "../../core/signature.ts";
import { filePieces } from "../file_pieces.ts";
import type { Device, DeviceBuffer, FileRange, Program } from "../types.ts";
import { adapterName, openGpu, requireAdapter } from "./adapter.ts";
import { Faults } from "./faults.ts";
import { KernelCompiler, type WebgpuKernel } from "./kernels.ts";
import { WebgpuMemory } from "./memory.ts";
import { encodeProgram, prepareProgram, type WebgpuProgram } from "./program.ts";
import { ReadBacks } from "./readback.ts";

/** How to open a WebGPU device. Limits below the adapter's own are for tests of what they cause. */
export interface WebgpuDeviceOptions {
  /** Bytes that a kernel can bind. Default: the adapter's limit. */
  readonly maxBindingBytes?: number;
  /** Bytes of a buffer. Default: the adapter's limit. */
  readonly maxBufferBytes?: number;
  /** Work groups along one axis of a grid. Default: the adapter's limit. */
  readonly longestAxis?: number;
  /** A GPU device to use and to close, and its name. Default: the machine's best adapter's. */
  readonly gpu?: { readonly device: GPUDevice; readonly name: string };
}

/** Runs and pieces of a file that may wait on the device at once: what is written for them is held. */
const MAX_WAITING = 8;
/** Of the step header, padded to what a uniform binding of vec4s takes. */
const STEP_BYTES = 32;

async function bestGpu(): Promise<{ device: GPUDevice; name: string }> {
  const adapter = await requireAdapter();
  return { device: await openGpu(adapter), name: adapterName(adapter) };
}

/**
 * Opens the machine's WebGPU adapter, a hardware one first.
 *
 * @throws {KerfError} when there is no adapter, or it gives no device
 */
export async function openWebgpuDevice(options: WebgpuDeviceOptions = {}): Promise<Device> {
  const { device: gpu, name } = options.gpu ?? await bestGpu();
  const { limits } = gpu;
  const maxBufferBytes = Math.min(options.maxBufferBytes ?? Infinity, limits.maxBufferSize);
  const maxBindingBytes = Math.min(
    ...[options.maxBindingBytes ?? Infinity, limits.maxStorageBufferBindingSize, maxBufferBytes],
  );
  const faults = new Faults(gpu);
  const memory = new WebgpuMemory(gpu, { faults, limits: { maxBufferBytes, maxBindingBytes } });
  const compiler = new KernelCompiler(gpu);
  const readBacks = new ReadBacks(gpu);
  const kernels = new WeakSet<object>();
  const programs = new WeakSet<object>();
  const isProgram = (program: Program): program is WebgpuProgram => programs.has(program);
  const context = {
    gpu,
    memory,
    step: gpu.createBuffer({
      label: "step",
      size: STEP_BYTES,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    }),
    longestAxis: options.longestAxis ?? limits.maxComputeWorkgroupsPerDimension,
    isKernel: (kernel: unknown): kernel is WebgpuKernel => kernels.has(kernel as object),
  };
  let open = true;
  let waiting = 0;

  /** Lets the device catch up now and then, so that a run never has much to wait for. */
  async function catchUp(): Promise<void> {
    await faults.settle();
    if (++waiting < MAX_WAITING) return;
    waiting = 0;
    await gpu.queue.onSubmittedWorkDone();
    await faults.settle();
  }

  async function readInto(buffer: DeviceBuffer, range: FileRange, offset = 0): Promise<void> {
    memory.range(buffer, offset, range.bytes);
    memory.submit();
    for await (const { at, data } of filePieces(range)) {
      gpu.queue.writeBuffer(memory.gpuOf(buffer), offset + at, data);
      // What was written is held until something is submitted.
      memory.submit();
      await catchUp();
    }
  }

  async function loadFile(range: FileRange, label: string): Promise<DeviceBuffer> {
    const buffer = memory.allocate(range.bytes, label, "file");
    try {
      await readInto(buffer, range);
    } catch (error) {
      if (open) memory.free(buffer);
      throw error;
    }
    return buffer;
  }

  return {
    name,
    kind: "webgpu",
    target: "wgsl",
    maxBindingBytes,
    allocate: (bytes, label) => memory.allocate(bytes, label),
    reserve: (bytes, label) => memory.reserve(bytes, label),
    commit: (buffer, offset, bytes) => memory.commit(buffer, offset, bytes),
    discard: (buffer, offset, bytes) => memory.discard(buffer, offset, bytes),
    settle: () => {},
    free: (buffer) => memory.free(buffer),
    write: (buffer, data, offset = 0) => memory.write(buffer, data, offset),
    copy: (buffer, range) => memory.copy(buffer, range),
    async read(buffer, offset, bytes) {
      const range = memory.range(buffer, offset, bytes);
      if (bytes === 0) return new Uint8Array();
      const encoder = gpu.createCommandEncoder();
      const copy = readBacks.copy(encoder, range);
      memory.submit(encoder);
      const out = await copy.bytes();
      await faults.settle();
      return out;
    },
    readFile: loadFile,
    readInto,
    async compile(requests, onProgress) {
      await faults.settle();
      const compiled = await compiler.compile(requests, onProgress);
      for (const kernel of compiled) kernels.add(kernel);
      return compiled;
    },
    prepare(invocations) {
      const program = prepareProgram(invocations, context);
      programs.add(program);
      return program;
    },
    async run(program, header, read) {
      if (!open) throw new TypeError("Cannot run a program: the device is closed");
      if (!isProgram(program)) throw new TypeError("Cannot run a program of another device");
      if (header.length !== STEP_FIELDS.length) {
        throw new RangeError(
          `Cannot run a step of ${header.length} fields: it has ${STEP_FIELDS.length}`,
        );
      }
      // Nothing is waited for before the submission: what is asked for next comes after it.
      faults.throwKnown();
      gpu.queue.writeBuffer(context.step, 0, header as Uint32Array<ArrayBuffer>);
      const encoder = gpu.createCommandEncoder();
      encodeProgram(program, context, { encoder, step: header });
      const copy = read && read.bytes > 0
        ? readBacks.copy(encoder, memory.range(read.buffer, read.offset, read.bytes))
        : undefined;
      memory.submit(encoder);
      if (copy === undefined) {
        await catchUp();
        return new Uint8Array();
      }
      waiting = 0;
      const out = await copy.bytes();
      await faults.settle();
      return out;
    },
    close() {
      if (!open) return;
      open = false;
      faults.close();
      memory.freeAll();
      readBacks.free();
      gpu.destroy();
    },
  };
}
