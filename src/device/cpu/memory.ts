/**
 * Buffers of the CPU device: C memory, page-aligned, outside JavaScript's heap. Every range is checked here;
 * beyond this file there are only addresses.
 */

import { formatBytes } from "../../core/bytes.ts";
import { KerfError } from "../../core/error.ts";
import { LiveBuffers, notReserved } from "../live_buffers.ts";
import { OutOfMemory } from "../out_of_memory.ts";
import { checkRange, checkSize } from "../range.ts";
import type { BufferSlice, DeviceBuffer, FileRange } from "../types.ts";
import { HugeBlocks } from "./huge_blocks.ts";
import { type CpuRuntime, errorText } from "./runtime.ts";

/** What a buffer is underneath. */
interface Mapping {
  readonly address: bigint;
  /** Of what is reserved. */
  readonly blocks: HugeBlocks | null;
  readonly isFile: boolean;
}

/** Reserved addresses. */
interface Reserved {
  readonly address: bigint;
  readonly blocks: HugeBlocks;
}

/** The buffers of one device. */
export class CpuMemory {
  readonly #runtime: CpuRuntime;
  readonly #buffers = new LiveBuffers<Mapping>();

  constructor(runtime: CpuRuntime) {
    this.#runtime = runtime;
  }

  /** Zeroed memory (`memory`), or address space that takes memory page by page (`reserved`). */
  map(bytes: number, label: string, kind: "memory" | "reserved"): DeviceBuffer {
    checkSize(bytes, label);
    // An empty buffer still has an address of its own.
    const address = this.#runtime.kerf_map(BigInt(Math.max(bytes, 1)), kind === "reserved" ? 1 : 0);
    if (address === 0n) {
      throw new OutOfMemory(
        `Cannot allocate buffer "${label}": no memory: ${
          formatBytes(bytes)
        } asked, ${this.#left()}`,
      );
    }
    const blocks = kind === "reserved" ? new HugeBlocks(address, bytes) : null;
    return this.#buffers.add({ label, bytes }, { address, blocks, isFile: false });
  }

  /** A range of a file, read-only. @throws {KerfError} when it cannot be mapped */
  mapFile({ path, offset, bytes }: FileRange, label: string): DeviceBuffer {
    const error = new Int32Array(1);
    const name = new TextEncoder().encode(`${path}\0`);
    const address = this.#runtime.kerf_map_file(name, BigInt(offset), BigInt(bytes), error);
    if (address === 0n) {
      const reason = errorText(this.#runtime, error[0]!);
      throw new KerfError(`Cannot map "${path}" into memory: ${reason}`, { where: label });
    }
    return this.#buffers.add({ label, bytes }, { address, blocks: null, isFile: true });
  }

  /**
   * Fills part of a buffer with a range of a file, on another thread.
   *
   * @throws {KerfError} it cannot be read
   */
  async readInto(buffer: DeviceBuffer, file: FileRange, at: number): Promise<void> {
    const { path, offset, bytes } = file;
    const address = this.#writable(buffer, at, bytes) + BigInt(at);
    const error = new Int32Array(1);
    const name = new TextEncoder().encode(`${path}\0`);
    const range = [BigInt(offset), BigInt(bytes)] as const;
    const descriptor = this.#runtime.kerf_open(name, ...range, error);
    const code = descriptor < 0
      ? error[0]!
      : await this.#runtime.kerf_fill(descriptor, range[0], address, range[1]);
    if (code === 0) return;
    const reason = errorText(this.#runtime, code);
    throw new KerfError(`Cannot read "${path}": ${reason}`, { where: buffer.label });
  }

  /** The address of a slice, for kernels. */
  address({ buffer, offset = 0 }: BufferSlice): bigint {
    return this.#range(buffer, offset, 0).address + BigInt(offset);
  }

  /** Whether kernels must not write to a buffer. */
  isReadOnly(buffer: DeviceBuffer): boolean {
    return this.#buffers.of(buffer).isFile;
  }

  write(buffer: DeviceBuffer, data: ArrayBufferView, offset: number): void {
    const address = this.#writable(buffer, offset, data.byteLength);
    const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
    this.#runtime.kerf_write(address + BigInt(offset), bytes, BigInt(data.byteLength));
  }

  read(buffer: DeviceBuffer, offset: number, bytes: number): Uint8Array<ArrayBuffer> {
    const { address } = this.#range(buffer, offset, bytes);
    const out = new Uint8Array(bytes);
    this.#runtime.kerf_read(out, address + BigInt(offset), BigInt(bytes));
    return out;
  }

  copy(buffer: DeviceBuffer, range: { from: number; to: number; bytes: number }): void {
    const { from, to, bytes } = range;
    this.#range(buffer, from, bytes);
    const address = this.#writable(buffer, to, bytes);
    this.#runtime.kerf_copy(address + BigInt(to), address + BigInt(from), BigInt(bytes));
  }

  /** Takes no memory: a page does at its first write. */
  commit(buffer: DeviceBuffer, offset: number, bytes: number): void {
    this.#reserved("commit", buffer, offset, bytes).blocks.commit({ offset, bytes });
  }

  discard(buffer: DeviceBuffer, offset: number, bytes: number): void {
    const { address, blocks } = this.#reserved("discard", buffer, offset, bytes);
    for (const block of blocks.discard({ offset, bytes })) {
      const range = [address + BigInt(block.offset), BigInt(block.bytes)] as const;
      this.#check(buffer, this.#runtime.kerf_make_small(...range, blocks.committed(block)));
    }
    this.#check(buffer, this.#runtime.kerf_discard(address + BigInt(offset), BigInt(bytes)));
  }

  /** Huge pages for what is committed and fills them: it is about to be read often. */
  settle(buffer: DeviceBuffer): void {
    const { address, blocks } = this.#reserved("settle", buffer, 0, 0);
    for (const { offset, bytes } of blocks.settle()) {
      this.#runtime.kerf_make_huge(address + BigInt(offset), BigInt(bytes));
    }
  }

  free(buffer: DeviceBuffer): void {
    const { address } = this.#range(buffer, 0, 0);
    this.#buffers.remove(buffer);
    const code = this.#runtime.kerf_unmap(address, BigInt(Math.max(buffer.bytes, 1)));
    if (code !== 0) {
      throw new Error(`munmap of "${buffer.label}": ${errorText(this.#runtime, code)}`);
    }
  }

  freeAll(): void {
    for (const buffer of this.#buffers.all()) this.free(buffer);
  }

  #check(buffer: DeviceBuffer, code: number): void {
    if (code === 0) return;
    throw new Error(`madvise of "${buffer.label}": ${errorText(this.#runtime, code)}`);
  }

  /** How much memory the machine has, as the system's tools count it. */
  #left(): string {
    const bytes = new BigUint64Array(2);
    this.#runtime.kerf_memory(bytes);
    const [free, all] = [...bytes].map((n) => formatBytes(Number(n)));
    return bytes[0] === 0n ? `${all} in the machine` : `${free} of ${all} free`;
  }

  #reserved(what: string, buffer: DeviceBuffer, offset: number, bytes: number): Reserved {
    const { address, blocks } = this.#range(buffer, offset, bytes);
    if (blocks !== null) return { address, blocks };
    return notReserved(what, buffer);
  }

  /** Where a buffer begins that has this range and is not a file's. */
  #writable(buffer: DeviceBuffer, offset: number, bytes: number): bigint {
    const { address } = this.#range(buffer, offset, bytes);
    this.#buffers.writable(buffer);
    return address;
  }

  #range(buffer: DeviceBuffer, offset: number, bytes: number): Mapping {
    const mapping = this.#buffers.of(buffer);
    checkRange(buffer, offset, bytes);
    return mapping;
  }
}
