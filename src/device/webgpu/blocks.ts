/**
 * Which parts of a reserved buffer are in use, in blocks of 4096 bytes. WebGPU has no address space without
 * memory behind it: a reserved buffer is as long as its last block in use needs it to be, so what counts
 * is where that one ends. Holds no bytes.
 */

/** Bytes of a block: what the cache's arena gives back at least. */
const BLOCK_BYTES = 4096;

/** The blocks of one buffer. */
export class CommittedBlocks {
  readonly #used: Uint8Array;
  readonly #bytes: number;
  /** Blocks up to the last in use. */
  #end = 0;

  constructor(bytes: number) {
    this.#bytes = bytes;
    this.#used = new Uint8Array(Math.ceil(bytes / BLOCK_BYTES));
  }

  /** Bytes from the buffer's start to the end of the last block in use. */
  get endBytes(): number {
    return Math.min(this.#end * BLOCK_BYTES, this.#bytes);
  }

  /** Takes every block that a range touches into use. */
  commit(offset: number, bytes: number): void {
    if (bytes === 0) return;
    const end = Math.ceil((offset + bytes) / BLOCK_BYTES);
    this.#used.fill(1, Math.floor(offset / BLOCK_BYTES), end);
    this.#end = Math.max(this.#end, end);
  }

  /** Gives back every block that lies wholly in a range. */
  discard(offset: number, bytes: number): void {
    const last = offset + bytes === this.#bytes ? Math.ceil : Math.floor;
    const end = last((offset + bytes) / BLOCK_BYTES);
    const first = Math.ceil(offset / BLOCK_BYTES);
    if (first < end) this.#used.fill(0, first, end);
    while (this.#end > 0 && this.#used[this.#end - 1] === 0) this.#end--;
  }
}

/**
 * The bytes of memory behind a reserved buffer, given what it has: a quarter more than it needs when it
 * must grow, so that growing page by page copies each byte a few times only; less once it uses less than
 * half.
 */
export function memoryFor(
  needed: number,
  { has, most }: { readonly has: number; readonly most: number },
): number {
  if (needed <= has && 2 * needed >= has) return has;
  return Math.min(most, Math.ceil(needed * 1.25 / BLOCK_BYTES) * BLOCK_BYTES);
}
