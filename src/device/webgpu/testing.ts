/**
 * Runs one kernel on the machine's WebGPU adapter for a test: typed arrays in, the written ones out. The
 * GPU device is shared by all tests of a process and never closed; buffers are destroyed after each run.
 */

import type { KernelEntry } from "../../core/manifest.ts";
import { STEP_FIELDS, type StepField } from "../../core/signature.ts";
import { findAdapter, openGpu } from "./adapter.ts";
import { packConstants } from "./constants.ts";
import { countGroups, spreadGroups } from "./dispatch.ts";
import { createPipeline } from "./shader.ts";
import { completeSource } from "./source.ts";

/** A typed array a kernel may read or write; f16 and bf16 travel as u16 or Float16Array. */
export type TypedArray =
  | Float32Array<ArrayBuffer>
  | Float16Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>;

/** One run of one kernel. */
export interface RunWgslOptions<B extends Readonly<Record<string, TypedArray>>> {
  readonly entry: KernelEntry;
  /** The generated text. */
  readonly text: string;
  /** Where headers lie: a file beside them. Default: the entry's own. */
  readonly file?: string;
  readonly defines?: Readonly<Record<string, number>>;
  /** Every binding but `step`, by name. Written ones keep what the kernel leaves alone. */
  readonly buffers: B;
  readonly constants?: Readonly<Record<string, number>>;
  /** Fields of the step header; the others are 0. */
  readonly step?: Partial<Record<StepField, number>>;
  /** Default: the adapter's; a short one makes a small grid need two axes. */
  readonly longestAxis?: number;
}

let shared: Promise<GPUDevice> | undefined;

/** By complete text: a test runs one kernel over many shapes. */
const pipelines = new Map<string, GPUComputePipeline>();

/** The GPU device of all tests. @throws {KerfError} when there is no adapter */
export function testGpu(): Promise<GPUDevice> {
  shared ??= openGpu();
  return shared;
}

/**
 * Whether tests on the adapter may be left out, and why: only where there is none and KERF_REQUIRE does
 * not name webgpu. With the reason it is printed once.
 */
export async function ignoreWithoutAdapter(): Promise<boolean> {
  if (await findAdapter() !== null) return false;
  const required = (Deno.env.get("KERF_REQUIRE") ?? "").split(",").includes("webgpu");
  if (required) return false;
  console.error("ignored: no WebGPU adapter (Debian: apt-get install mesa-vulkan-drivers)");
  return true;
}

/**
 * Runs a kernel once.
 *
 * @returns the buffers it may write (access `write` or `readwrite`), as new arrays of the given kinds
 */
export async function runWgsl<B extends Readonly<Record<string, TypedArray>>>(
  options: RunWgslOptions<B>,
): Promise<B> {
  const { entry, text, defines = {}, constants = {} } = options;
  const { signature } = entry;
  const generated = entry.sources.wgsl!;
  const gpu = await testGpu();
  const code = await completeSource({ text, file: options.file ?? generated.file, defines });
  let pipeline = pipelines.get(code);
  if (pipeline === undefined) {
    pipeline = await createPipeline(gpu, signature, code);
    pipelines.set(code, pipeline);
  }

  gpu.pushErrorScope("validation");
  const step = Uint32Array.from(STEP_FIELDS, (field) => options.step?.[field] ?? 0);
  const made: GPUBuffer[] = [];
  const upload = (data: ArrayBufferView<ArrayBuffer>, usage: number, atLeast = 16) => {
    const size = Math.max(atLeast, Math.ceil(data.byteLength / 4) * 4);
    const buffer = gpu.createBuffer({ size, usage: usage | GPUBufferUsage.COPY_DST });
    const padded = new Uint8Array(size);
    padded.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    gpu.queue.writeBuffer(buffer, 0, padded);
    made.push(buffer);
    return buffer;
  };
  const bound = signature.bindings.map(({ name }) => {
    if (name === "step") return upload(step, GPUBufferUsage.UNIFORM, 32);
    const data = options.buffers[name];
    if (data === undefined) {
      throw new TypeError(`Cannot run kernel "${signature.name}": no buffer "${name}"`);
    }
    return upload(data, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC);
  });
  const values = packConstants(signature, constants);
  const all = values.length > 0 ? [...bound, upload(values, GPUBufferUsage.UNIFORM)] : bound;
  const group = gpu.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: all.map((buffer, binding) => ({ binding, resource: { buffer } })),
  });

  const encoder = gpu.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  const longest = options.longestAxis ?? gpu.limits.maxComputeWorkgroupsPerDimension;
  const count = countGroups(generated.grid, { constants, step });
  pass.dispatchWorkgroups(...spreadGroups(count, longest));
  pass.end();
  const reads = signature.bindings.flatMap(({ name, access }, i) => {
    if (access === "read") return [];
    const { size } = bound[i]!;
    const copy = gpu.createBuffer({
      size,
      usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
    });
    encoder.copyBufferToBuffer(bound[i]!, 0, copy, 0, size);
    made.push(copy);
    return [{ name, copy }];
  });
  gpu.queue.submit([encoder.finish()]);
  const invalid = await gpu.popErrorScope();
  if (invalid !== null) throw new Error(`Cannot run "${signature.name}": ${invalid.message}`);

  const written: Record<string, TypedArray> = {};
  for (const { name, copy } of reads) {
    const given = options.buffers[name]!;
    await copy.mapAsync(GPUMapMode.READ);
    const bytes = copy.getMappedRange().slice(0, given.byteLength);
    // Before it is destroyed: the mapped range must not outlive the memory below it.
    copy.unmap();
    written[name] = new (given.constructor as new (bytes: ArrayBuffer) => TypedArray)(bytes);
  }
  for (const buffer of made) buffer.destroy();
  return written as B;
}
