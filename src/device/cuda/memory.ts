/**
 * Buffers of the CUDA device. Every range is checked here; beyond this file there are only addresses.
 * Copies and zeroing are work of the stream, so they take effect in the order they are asked for.
 */

import { formatBytes } from "../../core/bytes.ts";
import { LiveBuffers, notReserved } from "../live_buffers.ts";
import { OutOfMemory } from "../out_of_memory.ts";
import { checkRange, checkSize } from "../range.ts";
import type { BufferSlice, DeviceBuffer } from "../types.ts";
import { ReservedChunks } from "./chunks.ts";
import type { CudaContext } from "./context.ts";
import { memoryInfo, outHandle } from "./driver.ts";
import { CudaError } from "./error.ts";
import { type Release, releaseAll } from "./release.ts";
import { CUDA } from "./symbols.ts";

/** What a buffer is underneath. */
interface Memory {
  readonly address: bigint;
  readonly chunks: ReservedChunks | null;
  readonly isFile: boolean;
}

/** The buffers of one device. */
export class CudaMemory {
  readonly #context: CudaContext;
  readonly #buffers = new LiveBuffers<Memory>();

  constructor(context: CudaContext) {
    this.#context = context;
  }

  /** Zeroed memory; a file's is filled with {@linkcode CudaMemory.upload} and written by nobody else. */
  allocate(bytes: number, label: string, kind: "memory" | "file" = "memory"): DeviceBuffer {
    checkSize(bytes, label);
    const { driver: { call }, stream } = this.#context;
    // Whole words, and an empty buffer still has an address of its own.
    const size = BigInt(Math.max(4, Math.ceil(bytes / 4) * 4));
    const address = this.#explained(
      "allocate",
      { label, bytes },
      () => outHandle((to) => call.cuMemAlloc_v2(to, size)),
    );
    try {
      call.cuMemsetD8Async(address, 0, size, stream);
    } catch (error) {
      call.cuMemFree_v2(address);
      throw error;
    }
    return this.#buffers.add({ label, bytes }, { address, chunks: null, isFile: kind === "file" });
  }

  reserve(bytes: number, label: string): DeviceBuffer {
    checkSize(bytes, label);
    const chunks = this.#explained(
      "reserve addresses for",
      { label, bytes },
      () => new ReservedChunks(this.#context, bytes),
    );
    return this.#buffers.add({ label, bytes }, { address: chunks.address, chunks, isFile: false });
  }

  commit(buffer: DeviceBuffer, offset: number, bytes: number): void {
    const chunks = this.#reserved("commit", buffer, offset, bytes);
    this.#explained("commit", { label: buffer.label, bytes }, () => chunks.commit(offset, bytes));
  }

  discard(buffer: DeviceBuffer, offset: number, bytes: number): void {
    this.#reserved("discard", buffer, offset, bytes).discard(offset, bytes);
  }

  free(buffer: DeviceBuffer): void {
    const { address, chunks } = this.#buffers.of(buffer);
    const { driver: { call }, stream } = this.#context;
    this.#buffers.remove(buffer);
    if (chunks !== null) return chunks.free();
    releaseAll([
      // Work that was asked for may still use it.
      () => call.cuStreamSynchronize(stream),
      () => call.cuMemFree_v2(address),
    ]);
  }

  /** What frees every buffer that lives. */
  releases(): Release[] {
    return this.#buffers.all().map((buffer) => () => this.free(buffer));
  }

  write(buffer: DeviceBuffer, data: ArrayBufferView, offset: number): void {
    this.#buffers.writable(buffer);
    this.upload(buffer, data, offset);
  }

  /** Writes to any buffer. The data has been taken over when this returns. */
  upload(buffer: DeviceBuffer, data: ArrayBufferView, offset: number): void {
    const at = this.#range(buffer, offset, data.byteLength);
    if (data.byteLength === 0) return;
    const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
    const { driver: { call }, stream } = this.#context;
    call.cuMemcpyHtoDAsync_v2(at, bytes, BigInt(bytes.length), stream);
  }

  /** Waits for the stream: who must not hold the thread waits before. */
  read(buffer: DeviceBuffer, offset: number, bytes: number): Uint8Array<ArrayBuffer> {
    const at = this.#range(buffer, offset, bytes);
    const out = new Uint8Array(new ArrayBuffer(bytes));
    if (bytes === 0) return out;
    const { driver: { call }, stream } = this.#context;
    call.cuMemcpyDtoHAsync_v2(out, at, BigInt(bytes), stream);
    call.cuStreamSynchronize(stream);
    return out;
  }

  copy(buffer: DeviceBuffer, range: { from: number; to: number; bytes: number }): void {
    const { from, to, bytes } = range;
    const [source, target] = [this.#range(buffer, from, bytes), this.#range(buffer, to, bytes)];
    if (bytes === 0) return;
    const { driver: { call }, stream } = this.#context;
    call.cuMemcpyDtoDAsync_v2(target, source, BigInt(bytes), stream);
  }

  /** The address of a slice, for kernels. */
  address({ buffer, offset = 0 }: BufferSlice): bigint {
    const { address } = this.#buffers.of(buffer);
    checkRange(buffer, offset, 0);
    return address + BigInt(offset);
  }

  /** Whether kernels must not write to a buffer. */
  isReadOnly(buffer: DeviceBuffer): boolean {
    return this.#buffers.of(buffer).isFile;
  }

  /** The address of a range that has memory. */
  #range(buffer: DeviceBuffer, offset: number, bytes: number): bigint {
    const { address, chunks } = this.#buffers.of(buffer);
    checkRange(buffer, offset, bytes);
    if (chunks !== null && !chunks.has(offset, bytes)) {
      throw new RangeError(
        `Cannot use bytes ${offset} to ${offset + bytes} of buffer "${buffer.label}": they are ` +
          `not committed`,
      );
    }
    return address + BigInt(offset);
  }

  #reserved(what: string, buffer: DeviceBuffer, offset: number, bytes: number): ReservedChunks {
    const { chunks } = this.#buffers.of(buffer);
    checkRange(buffer, offset, bytes);
    if (chunks !== null) return chunks;
    return notReserved(what, buffer);
  }

  /** Runs what may lack memory, and says then how much was asked and how much there is. */
  #explained<T>(what: string, { label, bytes }: DeviceBuffer, ask: () => T): T {
    try {
      return ask();
    } catch (error) {
      if (!(error instanceof CudaError) || error.code !== CUDA.ERROR_OUT_OF_MEMORY) throw error;
      const { freeBytes, totalBytes } = memoryInfo(this.#context.driver.call);
      const [left, all] = [freeBytes, totalBytes].map(formatBytes);
      throw new OutOfMemory(
        `Cannot ${what} buffer "${label}": ${error.reason}: ${formatBytes(bytes)} asked, ` +
          `${left} of ${all} free`,
        { hint: "--device cpu", cause: error },
      );
    }
  }
}
