/**
 * Invocations → what an encoder walks: pipelines, bind groups, grids. Every name is checked here, once.
 * Bind groups are made at the first run that needs them, and made again when a reserved buffer of theirs
 * has moved; all constants lie in one uniform buffer.
 */

import { checkInvocation, failToPrepare } from "../check_invocation.ts";
import { checkStepFields, countGroups } from "../grid.ts";
import type { BufferSlice, Invocation, Program } from "../types.ts";
import { packConstants } from "./constants.ts";
import { spreadGroups } from "./dispatch.ts";
import type { WebgpuKernel } from "./kernels.ts";
import type { WebgpuMemory } from "./memory.ts";

/** One invocation as it is encoded. */
interface Op {
  readonly invocation: Invocation;
  readonly kernel: WebgpuKernel;
  /** What it binds, in the signature's order; the step header is null. */
  readonly slices: readonly (BufferSlice | null)[];
  /** Of its constants in the program's buffer. */
  readonly constants: { readonly offset: number; readonly size: number };
  group: GPUBindGroup | undefined;
  /** The buffers that `group` was made with. */
  bound: readonly (GPUBuffer | null)[];
}

/** A prepared program. */
export interface WebgpuProgram extends Program {
  readonly ops: readonly Op[];
  readonly constants: GPUBuffer;
  /** `memory.moves` when the bind groups were last looked at. */
  moves: number;
}

/** What programs are made with. */
export interface ProgramContext {
  readonly gpu: GPUDevice;
  readonly memory: WebgpuMemory;
  /** Bound to `step` in every kernel that has it. */
  readonly step: GPUBuffer;
  /** Work groups along one axis of a grid at most. */
  readonly longestAxis: number;
  readonly isKernel: (kernel: unknown) => kernel is WebgpuKernel;
}

/** Where the contract lets a slice start: no adapter asks for more. */
const SLICE_ALIGNMENT = 256;

/** Checks and packs invocations. @throws {TypeError} naming kernel and label */
export function prepareProgram(
  invocations: readonly Invocation[],
  context: ProgramContext,
): WebgpuProgram {
  const { gpu, memory } = context;
  const align = gpu.limits.minUniformBufferOffsetAlignment;
  const blocks: Uint8Array[] = [];
  let bytes = 0;
  const ops = invocations.map((invocation): Op => {
    const { kernel } = invocation;
    if (!context.isKernel(kernel)) failToPrepare(invocation, "it was not compiled here");
    const slices = checkInvocation(invocation, (buffer) => memory.isReadOnly(buffer));
    checkSlices(invocation, slices);
    checkStepFields(invocation, kernel.entry.sources.wgsl!.grid);
    const block = packConstants(kernel.entry.signature, invocation.constants);
    blocks.push(block);
    const constants = { offset: bytes, size: block.length };
    bytes += Math.ceil(block.length / align) * align;
    return { invocation, kernel, slices, constants, group: undefined, bound: [] };
  });
  const packed = new Uint8Array(Math.max(align, bytes));
  ops.forEach(({ constants }, i) => packed.set(blocks[i]!, constants.offset));
  const buffer = gpu.createBuffer({
    label: "constants",
    size: packed.length,
    usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
  });
  gpu.queue.writeBuffer(buffer, 0, packed);
  return { invocations: Object.freeze([...invocations]), ops, constants: buffer, moves: -1 };
}

/**
 * Encodes a program's dispatches into one pass; an empty grid is left out.
 *
 * @returns how many there were
 */
export function encodeProgram(
  program: WebgpuProgram,
  context: ProgramContext,
  options: { readonly encoder: GPUCommandEncoder; readonly step: Uint32Array },
): number {
  const { memory, longestAxis } = context;
  const { encoder, step } = options;
  forgetMoved(program, memory);
  const pass = encoder.beginComputePass();
  let pipeline: GPUComputePipeline | undefined;
  let dispatched = 0;
  for (const op of program.ops) {
    const { kernel, invocation } = op;
    const count = countGroups(kernel.grid, { constants: invocation.constants, step });
    if (count === 0) continue;
    const [x, y] = spreadGroups(count, longestAxis);
    if (y > longestAxis) {
      throw new RangeError(
        `Cannot run kernel "${kernel.entry.signature.name}" for "${invocation.label}": too many items`,
      );
    }
    if (kernel.pipeline !== pipeline) pass.setPipeline(pipeline = kernel.pipeline);
    pass.setBindGroup(0, op.group ??= bindGroup(op, program, context));
    pass.dispatchWorkgroups(x, y);
    dispatched++;
  }
  pass.end();
  return dispatched;
}

/** Drops the bind groups that hold a buffer which has moved since. */
function forgetMoved(program: WebgpuProgram, memory: WebgpuMemory): void {
  if (program.moves === memory.moves) return;
  for (const op of program.ops) {
    if (op.group === undefined) continue;
    const moved = op.slices.some((slice, i) => slice && memory.gpuOf(slice.buffer) !== op.bound[i]);
    if (moved) op.group = undefined;
  }
  program.moves = memory.moves;
}

function bindGroup(op: Op, program: WebgpuProgram, context: ProgramContext): GPUBindGroup {
  const { gpu, memory, step } = context;
  const { pipeline, entry } = op.kernel;
  op.bound = op.slices.map((slice) => slice && memory.gpuOf(slice.buffer));
  const resources: GPUBufferBinding[] = op.slices.map((slice) =>
    slice ? memory.binding(slice) : { buffer: step }
  );
  if (entry.signature.constants.length > 0) {
    resources.push({ buffer: program.constants, ...op.constants });
  }
  return gpu.createBindGroup({
    label: op.invocation.label,
    layout: pipeline.getBindGroupLayout(0),
    entries: resources.map((resource, binding) => ({ binding, resource })),
  });
}

/**
 * Where slices start, and that a buffer which a kernel writes is bound only once: GPUs may keep what was read
 * before.
 */
function checkSlices(invocation: Invocation, slices: readonly (BufferSlice | null)[]): void {
  const { bindings } = invocation.kernel.entry.signature;
  const names = new Map<unknown, { name: string; isWritten: boolean }>();
  bindings.forEach(({ name, access }, i) => {
    const slice = slices[i];
    if (!slice) return;
    const { buffer, offset = 0 } = slice;
    const isWritten = access !== "read";
    if (offset % SLICE_ALIGNMENT !== 0 || offset < 0 || offset > buffer.bytes) {
      failToPrepare(
        invocation,
        `buffer "${name}" starts at ${offset}, no multiple of ${SLICE_ALIGNMENT}`,
      );
    }
    const other = names.get(buffer);
    if (other && (other.isWritten || isWritten)) {
      failToPrepare(invocation, `"${other.name}" and "${name}" are one buffer, and one is written`);
    }
    names.set(buffer, { name, isWritten });
  });
}
