/**
 * Buffers of the WebGPU device. Every range is checked here. A reserved buffer has memory up to the end of
 * its last committed block and moves when that end does; `moves` counts, so that whoever bound one knows.
 */

import { formatBytes } from "../../core/bytes.ts";
import { LiveBuffers, notReserved } from "../live_buffers.ts";
import { OutOfMemory } from "../out_of_memory.ts";
import { checkRange, checkSize } from "../range.ts";
import type { BufferSlice, DeviceBuffer } from "../types.ts";
import { CommittedBlocks, memoryFor } from "./blocks.ts";
import { type Faults, outOfMemory } from "./faults.ts";
import type { GpuRange } from "./readback.ts";

/** What buffers may be at most. */
export interface BufferLimits {
  /** Bytes of a buffer. */
  readonly maxBufferBytes: number;
  /** Bytes that a kernel can bind. */
  readonly maxBindingBytes: number;
}

interface Memory {
  gpu: GPUBuffer;
  readonly blocks: CommittedBlocks | null;
  readonly isFile: boolean;
}

const USAGE = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
/** The smallest buffer: any binding's type has room. */
const LEAST_BYTES = 16;
/** Copies within a buffer go through another one, in pieces of this many bytes. */
const SCRATCH_BYTES = 1 << 20;

/** Bytes of the memory behind so many bytes of a buffer: whole words. */
const sizeOf = (bytes: number) => Math.max(LEAST_BYTES, Math.ceil(bytes / 4) * 4);

/** The buffers of one device. */
export class WebgpuMemory {
  readonly #gpu: GPUDevice;
  readonly #faults: Faults;
  readonly #limits: BufferLimits;
  readonly #buffers = new LiveBuffers<Memory>();
  #scratch: GPUBuffer | undefined;
  /** Copies that were asked for and not yet submitted, and where they write. */
  #copies: GPUCommandEncoder | undefined;
  readonly #copiedIn = new Set<GPUBuffer>();
  #heldBytes = 0;
  #moves = 0;

  constructor(gpu: GPUDevice, options: { faults: Faults; limits: BufferLimits }) {
    this.#gpu = gpu;
    this.#faults = options.faults;
    this.#limits = options.limits;
  }

  /** How often reserved buffers have moved. */
  get moves(): number {
    return this.#moves;
  }

  /** Bytes of all buffers. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Zeroed memory; a file's is filled through `gpuOf` and written by nobody else. */
  allocate(bytes: number, label: string, kind: "memory" | "file" = "memory"): DeviceBuffer {
    checkSize(bytes, label);
    if (bytes > this.#limits.maxBufferBytes) this.#tooLong(label, bytes, "maxBufferBytes");
    const gpu = this.#create(sizeOf(bytes), label);
    return this.#buffers.add({ label, bytes }, { gpu, blocks: null, isFile: kind === "file" });
  }

  reserve(bytes: number, label: string): DeviceBuffer {
    checkSize(bytes, label);
    const blocks = new CommittedBlocks(bytes);
    const gpu = this.#create(LEAST_BYTES, label);
    return this.#buffers.add({ label, bytes }, { gpu, blocks, isFile: false });
  }

  commit(buffer: DeviceBuffer, offset: number, bytes: number): void {
    const memory = this.#reserved("commit", buffer, offset, bytes);
    memory.blocks.commit(offset, bytes);
    this.#fit(buffer, memory);
  }

  discard(buffer: DeviceBuffer, offset: number, bytes: number): void {
    const memory = this.#reserved("discard", buffer, offset, bytes);
    memory.blocks.discard(offset, bytes);
    this.#fit(buffer, memory);
  }

  free(buffer: DeviceBuffer): void {
    const { gpu } = this.#buffers.of(buffer);
    if (this.#copiedIn.has(gpu)) this.submit();
    this.#buffers.remove(buffer);
    this.#destroy(gpu);
  }

  freeAll(): void {
    for (const buffer of this.#buffers.all()) this.free(buffer);
    if (this.#scratch) this.#destroy(this.#scratch);
    this.#scratch = undefined;
  }

  write(buffer: DeviceBuffer, data: ArrayBufferView, offset: number): void {
    const { label } = buffer;
    const { gpu } = this.range(buffer, offset, data.byteLength);
    this.#buffers.writable(buffer);
    if (offset % 4 !== 0 || data.byteLength % 4 !== 0) {
      throw new RangeError(
        `Cannot write ${data.byteLength} bytes at ${offset} of buffer "${label}": no multiples of 4`,
      );
    }
    const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
    if (this.#copiedIn.has(gpu)) this.submit();
    this.#gpu.queue.writeBuffer(gpu, offset, bytes);
  }

  /** Done before whatever is submitted next. */
  copy(buffer: DeviceBuffer, range: { from: number; to: number; bytes: number }): void {
    const { from, to, bytes } = range;
    const { gpu } = this.range(buffer, from, bytes);
    this.range(buffer, to, bytes);
    this.#scratch ??= this.#create(SCRATCH_BYTES, "scratch");
    const encoder = this.#copies ??= this.#gpu.createCommandEncoder();
    this.#copiedIn.add(gpu);
    for (let at = 0; at < bytes; at += SCRATCH_BYTES) {
      const n = Math.min(SCRATCH_BYTES, bytes - at);
      encoder.copyBufferToBuffer(gpu, from + at, this.#scratch, 0, n);
      encoder.copyBufferToBuffer(this.#scratch, 0, gpu, to + at, n);
    }
  }

  /** Submits what an encoder holds, if there is one, behind the copies that were asked for. */
  submit(encoder?: GPUCommandEncoder): void {
    const commands = [this.#copies, encoder].flatMap((own) => own ? [own.finish()] : []);
    this.#copies = undefined;
    this.#copiedIn.clear();
    this.#gpu.queue.submit(commands);
  }

  /** Where a range lies now. @throws {RangeError} it is outside the buffer, or not committed */
  range(buffer: DeviceBuffer, offset: number, bytes: number): GpuRange {
    const { gpu, blocks } = this.#buffers.of(buffer);
    const end = checkRange(buffer, offset, bytes);
    if (blocks !== null && end > blocks.endBytes && bytes > 0) {
      throw new RangeError(
        `Cannot use bytes ${offset} to ${end} of buffer "${buffer.label}": they are not committed`,
      );
    }
    return { gpu, offset, bytes };
  }

  /** The memory behind a buffer; another one once `moves` has changed. */
  gpuOf(buffer: DeviceBuffer): GPUBuffer {
    return this.#buffers.of(buffer).gpu;
  }

  /** Whether kernels must not write to a buffer. */
  isReadOnly(buffer: DeviceBuffer): boolean {
    return this.#buffers.of(buffer).isFile;
  }

  /** What a kernel binds. @throws {KerfError} it is more than the device binds */
  binding({ buffer, offset = 0 }: BufferSlice): GPUBufferBinding {
    const gpu = this.gpuOf(buffer);
    const bytes = gpu.size - offset;
    if (bytes > this.#limits.maxBindingBytes) this.#tooLong(buffer.label, bytes, "maxBindingBytes");
    return { buffer: gpu, offset };
  }

  /** Lengthens or shortens a reserved buffer to what it needs: a new one, with the old one's bytes. */
  #fit(buffer: DeviceBuffer, memory: Memory & { readonly blocks: CommittedBlocks }): void {
    const { gpu: old, blocks } = memory;
    const { maxBufferBytes, maxBindingBytes } = this.#limits;
    const most = Math.min(maxBufferBytes, maxBindingBytes, sizeOf(buffer.bytes));
    const needed = Math.max(LEAST_BYTES, sizeOf(blocks.endBytes));
    if (needed > most) this.#tooLong(buffer.label, needed, "maxBindingBytes");
    const size = memoryFor(needed, { has: old.size, most });
    if (size === old.size) return;
    memory.gpu = this.#create(size, buffer.label);
    const encoder = this.#gpu.createCommandEncoder();
    encoder.copyBufferToBuffer(old, 0, memory.gpu, 0, Math.min(old.size, size));
    this.submit(encoder);
    this.#destroy(old);
    this.#moves++;
  }

  #create(size: number, label: string): GPUBuffer {
    this.#faults.throwKnown();
    const held = this.#heldBytes;
    const make = () => this.#gpu.createBuffer({ label, size, usage: USAGE });
    const explain = () => outOfMemory(label, { asked: size, held });
    const buffer = this.#faults.guardMemory(this.#gpu, make, explain);
    this.#heldBytes += size;
    return buffer;
  }

  /** Work that was submitted keeps the memory until it is done. */
  #destroy(gpu: GPUBuffer): void {
    this.#heldBytes -= gpu.size;
    gpu.destroy();
  }

  #reserved(what: string, buffer: DeviceBuffer, offset: number, bytes: number) {
    const memory = this.#buffers.of(buffer);
    checkRange(buffer, offset, bytes);
    const { blocks } = memory;
    if (blocks !== null) return memory as Memory & { readonly blocks: CommittedBlocks };
    return notReserved(what, buffer);
  }

  #tooLong(label: string, bytes: number, limit: keyof BufferLimits): never {
    const [what, most] = limit === "maxBufferBytes" ? ["allocate", "has no buffers over"] : [
      "bind",
      "binds at most",
    ];
    throw new OutOfMemory(
      `Cannot ${what} ${formatBytes(bytes)} for buffer "${label}": ` +
        `this adapter ${most} ${formatBytes(this.#limits[limit])}`,
      { hint: "--device cpu" },
    );
  }
}
