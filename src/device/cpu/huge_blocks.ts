/**
 * Which parts of a reserved buffer may lie on huge pages. Reading small pages takes twice the time: fetching
 * ahead ends at each. But a huge page is memory as a whole, so a block gets one only where every byte of it
 * is committed, and loses it when one no longer is: no byte more is held than without. Holds no memory.
 */

/** Bytes of a huge page. */
export const HUGE_PAGE = 2 << 20;

/** Bytes of a page: what can be given back. */
const PAGE = 4096;

/** A range of a buffer, in bytes. */
export interface ByteRange {
  readonly offset: number;
  readonly bytes: number;
}

/** The blocks of one buffer: as large as a huge page, and aligned as one. */
export class HugeBlocks {
  /** Where the first block begins. */
  readonly #start: number;
  readonly #isCommitted: Uint8Array<ArrayBuffer>;
  readonly #isHuge: Uint8Array;

  /** @param address where the buffer begins: a multiple of a page's bytes */
  constructor(address: bigint, bytes: number) {
    this.#start = Number(-address & BigInt(HUGE_PAGE - 1));
    this.#isCommitted = new Uint8Array(Math.ceil(bytes / PAGE));
    this.#isHuge = new Uint8Array(Math.max(0, Math.floor((bytes - this.#start) / HUGE_PAGE)));
  }

  /** Notes that a range is in use. */
  commit({ offset, bytes }: ByteRange): void {
    this.#isCommitted.fill(1, Math.floor(offset / PAGE), Math.ceil((offset + bytes) / PAGE));
  }

  /** Notes that the whole pages of a range are not in use. @returns the blocks that must become small pages */
  discard({ offset, bytes }: ByteRange): ByteRange[] {
    const first = Math.ceil(offset / PAGE), end = Math.floor((offset + bytes) / PAGE);
    if (end <= first) return [];
    this.#isCommitted.fill(0, first, end);
    const blockOf = (page: number) => Math.floor((page * PAGE - this.#start) / HUGE_PAGE);
    const small: ByteRange[] = [];
    for (let block = Math.max(0, blockOf(first)); block <= blockOf(end - 1); block++) {
      if (this.#isHuge[block] !== 1) continue;
      this.#isHuge[block] = 0;
      small.push(this.#rangeOf(block));
    }
    return small;
  }

  /**
   * The blocks that are committed as a whole since the last call, which shall become huge pages; neighbours
   * as one range, since each call of the system for it costs what many blocks do.
   */
  settle(): ByteRange[] {
    const huge: { offset: number; bytes: number }[] = [];
    for (let block = 0; block < this.#isHuge.length; block++) {
      const range = this.#rangeOf(block);
      if (this.#isHuge[block] === 1 || this.committed(range).includes(0)) continue;
      this.#isHuge[block] = 1;
      const last = huge.at(-1);
      if (last && last.offset + last.bytes === range.offset) last.bytes += range.bytes;
      else huge.push({ ...range });
    }
    return huge;
  }

  /** Of every page of a block, whether it is in use: 1 or 0. */
  committed({ offset, bytes }: ByteRange): Uint8Array<ArrayBuffer> {
    return this.#isCommitted.subarray(offset / PAGE, (offset + bytes) / PAGE);
  }

  #rangeOf = (block: number): ByteRange => ({
    offset: this.#start + block * HUGE_PAGE,
    bytes: HUGE_PAGE,
  });
}
