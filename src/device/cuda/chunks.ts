/**
 * A buffer of reserved addresses that take memory chunk by chunk. Addresses never change; a chunk has
 * memory exactly while some block of 4096 bytes in it is in use, and starts as zeros. Who gives a chunk
 * back waits for the work that may touch it.
 */

import type { CudaContext } from "./context.ts";
import { outHandle } from "./driver.ts";
import { releaseAll } from "./release.ts";
import { accessDescription, allocationProperties } from "./structs.ts";

/** What is counted: the cache's arena gives back whole ones at least. */
const BLOCK_BYTES = 4096;

/** Reserved addresses and the memory behind them. */
export class ReservedChunks {
  readonly address: bigint;
  readonly #context: CudaContext;
  readonly #bytes: number;
  readonly #isUsed: Uint8Array;
  /** Blocks in use, per chunk. */
  readonly #nUsed: Uint32Array;
  readonly #isMapped: Uint8Array;

  /** @throws {CudaError} there are no addresses left */
  constructor(context: CudaContext, bytes: number) {
    const nChunks = Math.max(1, Math.ceil(bytes / context.chunkBytes));
    this.#context = context;
    this.#bytes = bytes;
    this.#isUsed = new Uint8Array(Math.ceil(bytes / BLOCK_BYTES));
    this.#nUsed = new Uint32Array(nChunks);
    this.#isMapped = new Uint8Array(nChunks);
    this.address = outHandle((to) =>
      context.driver.call.cuMemAddressReserve(to, this.#reservedBytes, 0n, 0n, 0n)
    );
  }

  /** Whether a whole range has memory. */
  has(offset: number, bytes: number): boolean {
    return this.#chunks(offset, bytes).every((chunk) => this.#isMapped[chunk] === 1);
  }

  /** Memory for every block that a range touches. @throws {CudaError} there is not enough */
  commit(offset: number, bytes: number): void {
    const fresh = this.#chunks(offset, bytes).filter((chunk) => this.#isMapped[chunk] === 0);
    const mapped: number[] = [];
    try {
      for (const chunk of fresh) {
        this.#map(chunk);
        mapped.push(chunk);
      }
    } catch (error) {
      this.#unmap(mapped);
      throw error;
    }
    if (bytes === 0) return;
    const end = Math.ceil((offset + bytes) / BLOCK_BYTES);
    for (let block = Math.floor(offset / BLOCK_BYTES); block < end; block++) this.#use(block, 1);
  }

  /** Gives back every block that lies wholly in a range, and the chunks that are empty then. */
  discard(offset: number, bytes: number): void {
    const last = offset + bytes === this.#bytes ? Math.ceil : Math.floor;
    const end = last((offset + bytes) / BLOCK_BYTES);
    for (let block = Math.ceil(offset / BLOCK_BYTES); block < end; block++) this.#use(block, 0);
    this.#unmap(
      this.#chunks(offset, bytes)
        .filter((chunk) => this.#nUsed[chunk] === 0 && this.#isMapped[chunk] === 1),
    );
  }

  /** Gives back everything, the addresses too. */
  free(): void {
    const { call } = this.#context.driver;
    const mapped = [...this.#isMapped.keys()].filter((chunk) => this.#isMapped[chunk] === 1);
    releaseAll([
      () => this.#unmap(mapped),
      () => call.cuMemAddressFree(this.address, this.#reservedBytes),
    ]);
  }

  get #reservedBytes(): bigint {
    return BigInt(this.#nUsed.length * this.#context.chunkBytes);
  }

  /** Indices of the chunks that a range touches. */
  #chunks(offset: number, bytes: number): number[] {
    if (bytes === 0) return [];
    const { chunkBytes } = this.#context;
    const first = Math.floor(offset / chunkBytes);
    const end = Math.ceil((offset + bytes) / chunkBytes);
    return Array.from({ length: end - first }, (_, i) => first + i);
  }

  #use(block: number, used: 0 | 1): void {
    if (this.#isUsed[block] === used) return;
    this.#isUsed[block] = used;
    const chunk = Math.floor(block * BLOCK_BYTES / this.#context.chunkBytes);
    this.#nUsed[chunk]! += used === 1 ? 1 : -1;
  }

  #at = (chunk: number) => this.address + BigInt(chunk * this.#context.chunkBytes);

  #map(chunk: number): void {
    const { driver: { call }, device, stream } = this.#context;
    const [at, bytes] = [this.#at(chunk), BigInt(this.#context.chunkBytes)];
    const memory = outHandle((to) => call.cuMemCreate(to, bytes, allocationProperties(device), 0n));
    try {
      try {
        call.cuMemMap(at, bytes, 0n, memory, 0n);
        this.#isMapped[chunk] = 1;
      } finally {
        // A mapping keeps its memory: unmapping is then all that gives it back.
        call.cuMemRelease(memory);
      }
      call.cuMemSetAccess(at, bytes, accessDescription(device), 1n);
      call.cuMemsetD8Async(at, 0, bytes, stream);
    } catch (error) {
      if (this.#isMapped[chunk] === 1) this.#unmap([chunk]);
      throw error;
    }
  }

  #unmap(chunks: readonly number[]): void {
    if (chunks.length === 0) return;
    const { driver: { call }, stream, chunkBytes } = this.#context;
    releaseAll([
      () => call.cuStreamSynchronize(stream),
      ...chunks.map((chunk) => () => {
        this.#isMapped[chunk] = 0;
        call.cuMemUnmap(this.#at(chunk), BigInt(chunkBytes));
      }),
    ]);
  }
}
