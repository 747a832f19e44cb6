/**
 * The paged KV cache as the host sees it: how many rows every segment of every (slot, layer, KV head)
 * holds, and pages for them. Rows go to the last segment of each stream; compress.ts moves them,
 * cache_bytes.ts counts their bytes.
 */

import { KerfError } from "../core/error.ts";
import type { Device, DeviceBuffer } from "../device/types.ts";
import { channelsWord } from "../layout/bytes.ts";
import type { SegmentSize } from "../layout/bytes.ts";
import { pageCount } from "../layout/offset.ts";
import { keyLists } from "../layout/row_classes.ts";
import { CHUNK_ROWS, PAGE_ROWS } from "../layout/types.ts";
import { BlockTable } from "./block_table.ts";
import { cacheSegments, segmentPageBytes } from "./cache_shape.ts";
import type { CacheSegment, CacheShape, HeadAt, LayerRange } from "./cache_shape.ts";
import { fitPages } from "./fit_pages.ts";

/**
 * Address space beyond what every slot needs at full context: freed pages of pruned segments leave gaps
 * of their own size, and first fit seldom wastes more than a quarter.
 */
const ARENA_SLACK = 1.25;

/** The cache of every slot. */
export class KvCache {
  readonly shape: CacheShape;
  readonly segments: readonly CacheSegment[];
  readonly table: BlockTable;
  /** u32 [nSlots, nLayers, nKvHeads, 2·nSegments]: rows and channelsWord() of each segment. */
  readonly heads: DeviceBuffer;
  /**
   * Of each stream u32 [nSlots, nLayers, nKvHeads, headDim], of keys {@linkcode nKeyLists} before headDim; null
   * when none of its segments stores a list.
   */
  readonly lists: Readonly<Record<"key" | "value", DeviceBuffer | null>>;
  /** How many lists a head's keys have. */
  readonly nKeyLists: number;
  /**
   * f32, as keys' lists: what each channel of it reads as that is not stored; then, of shape [nSlots, nLayers,
   * nKvHeads, headDim], what values read as of which nothing is. Each where there is such; null when all read as 0.
   */
  readonly fills: DeviceBuffer | null;
  /** Its first element for values. */
  readonly valueFills: number;
  readonly #device: Device;
  readonly #sizes: Uint32Array<ArrayBuffer>;
  readonly #tokens: Uint32Array;
  readonly #dirtySlots = new Set<number>();
  readonly #freeSlots: number[];

  constructor(device: Device, shape: CacheShape) {
    this.#device = device;
    this.shape = shape;
    const { layout, nSlots, nLayers, nKvHeads, headDim, nCtx } = shape;
    this.segments = cacheSegments(layout, nCtx);
    const nHeads = nSlots * nLayers * nKvHeads;
    const perHead = this.segments.reduce(
      (sum, segment) =>
        sum +
        (segment.isLast
          ? pageCount(nCtx) *
            segmentPageBytes(segment, { width: headDim, headDim, rows: PAGE_ROWS })
          : 0),
      0,
    );
    this.table = new BlockTable(device, {
      ...{ nSlots, nLayers, nKvHeads },
      pageEntries: this.segments.length * pageCount(nCtx),
      segmentEntries: this.segments.map(({ page }) => page),
      // A layer that is compressed holds its old rows beside the new ones.
      arenaBytes: Math.ceil((nSlots * ARENA_SLACK + 1) * nKvHeads * perHead),
    });
    this.#sizes = new Uint32Array(nHeads * 2 * this.segments.length);
    this.heads = device.allocate(this.#sizes.byteLength, "heads");
    this.nKeyLists = keyLists(layout);
    const lists = { key: this.nKeyLists, value: 1 };
    const listOf = (of: "key" | "value") =>
      layout[of].segments.some(({ channels }) => channels === "list")
        ? device.allocate(nHeads * lists[of] * headDim * 4, `channels of ${of}s`)
        : null;
    this.lists = { key: listOf("key"), value: listOf("value") };
    const nFills = (of: "key" | "value") =>
      layout[of].segments.some(({ fill }) => fill === "mean") ? nHeads * lists[of] * headDim : 0;
    this.valueFills = nFills("key");
    const fillBytes = 4 * (this.valueFills + nFills("value"));
    this.fills = fillBytes > 0 ? device.allocate(fillBytes, "fills") : null;
    for (let i = 0; i < nHeads; i++) {
      for (const { index } of this.segments) this.#sizes[this.#sizeIndex(i, index) + 1] = headDim;
    }
    this.#tokens = new Uint32Array(nSlots);
    this.#freeSlots = Array.from({ length: nSlots }, (_, i) => nSlots - 1 - i);
    for (let slot = 0; slot < nSlots; slot++) this.#dirtySlots.add(slot);
  }

  get pageEntries(): number {
    return this.table.shape.pageEntries;
  }

  /** Layers · KV heads. */
  get nHeadsPerSlot(): number {
    return this.table.nHeadsPerSlot;
  }

  get hasFreeSlot(): boolean {
    return this.#freeSlots.length > 0;
  }

  /** Takes an empty slot. @throws {KerfError} all are in use */
  openSlot(): number {
    const slot = this.#freeSlots.pop();
    if (slot !== undefined) return slot;
    throw new KerfError(`Cannot open another sequence: all ${this.shape.nSlots} are in use`, {
      hint: "end one first, or load the model with a larger parallel",
    });
  }

  /** Frees a slot's pages and the slot. */
  closeSlot(slot: number): void {
    this.clearSlot(slot);
    this.#freeSlots.push(slot);
  }

  /** Frees a slot's pages; it holds no rows afterwards. */
  clearSlot(slot: number): void {
    this.table.releaseSlot(slot);
    this.#tokens[slot] = 0;
    for (let head = 0; head < this.nHeadsPerSlot; head++) {
      for (const { index } of this.segments) {
        this.setSize({ slot, head }, index, { rows: 0, width: this.shape.headDim });
      }
    }
  }

  /** Rows and width of a segment. */
  sizeOf({ slot, head }: HeadAt, segmentIndex: number): SegmentSize {
    const at = this.#sizeIndex(slot * this.nHeadsPerSlot + head, segmentIndex);
    const [rows, word] = [this.#sizes[at]!, this.#sizes[at + 1]!];
    const { code } = this.segments[segmentIndex]!.segment;
    if (code.kind !== "affine" || code.low === undefined) return { rows, width: word };
    return { rows, width: word & 0xffff, high: word >>> 16 };
  }

  /** Sets rows and width of a segment; its pages are the caller's. */
  setSize({ slot, head }: HeadAt, segmentIndex: number, size: SegmentSize): void {
    const at = this.#sizeIndex(slot * this.nHeadsPerSlot + head, segmentIndex);
    this.#sizes[at] = size.rows;
    this.#sizes[at + 1] = channelsWord(size);
    this.#dirtySlots.add(slot);
  }

  /** Pages for `nRows` more rows in the last segment of each stream. @throws {RangeError} none left */
  reserveRows(slot: number, nRows: number, layers: LayerRange = this.allLayers): void {
    this.#forLastSegments(slot, layers, (at, segment) => {
      const { rows, width } = this.sizeOf(at, segment.index);
      const steps = (rows: number) => Math.ceil(rows / segment.growth);
      if (steps(rows) === steps(rows + nRows)) return;
      fitPages(this, { at, segment, width, from: rows, to: rows + nRows });
    });
  }

  /** Counts `nRows` rows that a step appended. */
  advance(slot: number, nRows: number, layers: LayerRange = this.allLayers): void {
    // Layer by layer, the first one counts for all.
    if (layers.first === 0) this.#tokens[slot]! += nRows;
    this.#forLastSegments(slot, layers, (at, { index }) => {
      const { rows, width } = this.sizeOf(at, index);
      this.setSize(at, index, { rows: rows + nRows, width });
    });
  }

  /** 256-row chunks of the slot's longest head once `nRows` more rows are in it. */
  chunksOf(slot: number, nRows: number): number {
    let most = 0;
    for (let head = 0; head < this.nHeadsPerSlot; head++) {
      let chunks = 0;
      for (const { stream, index, isLast } of this.segments) {
        if (stream !== "key") continue;
        const { rows } = this.sizeOf({ slot, head }, index);
        chunks += Math.ceil((rows + (isLast ? nRows : 0)) / CHUNK_ROWS);
      }
      most = Math.max(most, chunks);
    }
    return most;
  }

  /** Tokens that a slot has seen since it was empty, evicted ones included: the next one's position. */
  tokensOf(slot: number): number {
    return this.#tokens[slot]!;
  }

  /** Rows of a head's keys, or of its values: the same. */
  rowsOf(at: HeadAt): number {
    return this.segments.filter((s) => s.stream === "value")
      .reduce((sum, { index }) => sum + this.sizeOf(at, index).rows, 0);
  }

  /** Writes what changed to the device. */
  sync(): void {
    this.table.sync();
    const perSlot = this.nHeadsPerSlot * 2 * this.segments.length;
    for (const slot of this.#dirtySlots) {
      const data = this.#sizes.subarray(slot * perSlot, (slot + 1) * perSlot);
      this.#device.write(this.heads, data, data.byteOffset);
    }
    this.#dirtySlots.clear();
  }

  /** Every layer. */
  get allLayers(): LayerRange {
    return { first: 0, end: this.shape.nLayers };
  }

  free(): void {
    this.table.free();
    this.#device.free(this.heads);
    for (const list of Object.values(this.lists)) if (list) this.#device.free(list);
    if (this.fills) this.#device.free(this.fills);
  }

  #sizeIndex(headOfAll: number, segmentIndex: number): number {
    return 2 * (headOfAll * this.segments.length + segmentIndex);
  }

  #forLastSegments(
    slot: number,
    layers: LayerRange,
    visit: (at: HeadAt, segment: CacheSegment) => void,
  ): void {
    const { nKvHeads } = this.shape;
    const last = this.segments.filter((s) => s.isLast);
    for (let head = layers.first * nKvHeads; head < layers.end * nKvHeads; head++) {
      for (const segment of last) visit({ slot, head }, segment);
    }
  }
}
