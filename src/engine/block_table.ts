/**
 * The host's copy of the block table: which page of its layer's arena each entry names, and how large it
 * is. Entries of (slot, layer, KV head) are one range per segment of every stream; a page that is freed
 * gives its memory back to the system. Where a binding has a largest size every layer has an arena of its own,
 * so that no buffer grows with the number of layers; elsewhere all share one, so that what a layer freed is
 * the next one's and pages lie close. Knows pages and nothing of rows.
 */

import type { BufferRange, Device, DeviceBuffer } from "../device/types.ts";
import { ARENA_UNIT } from "../layout/types.ts";
import { Arena } from "./arena.ts";
import type { UnitRange } from "./arena.ts";

/** Places in an arena that an entry, a u32, can name. */
const MOST_UNITS = 2 ** 32;

/** Units of a page of the system: parts of an arena share none. */
const SYSTEM_PAGE_UNITS = 4096 / ARENA_UNIT;

/** Bytes of new pages that are worth settling: a huge page's. */
const GROWTH_BYTES = 2 << 20;

/** Sizes of the table. */
export interface BlockTableShape {
  readonly nSlots: number;
  readonly nLayers: number;
  readonly nKvHeads: number;
  /** Entries of one (slot, layer, KV head). */
  readonly pageEntries: number;
  /**
   * The first entries of the segments, in order. Where layers share an arena the pages of each have a part of it:
   * so rows that leave one segment layer by layer leave no gaps in another, nor in the one they go to. Behind them
   * those have one that move, since they are cut or have grown: so these leave no gaps among the others.
   */
  readonly segmentEntries: readonly number[];
  /** Address space of a layer. */
  readonly arenaBytes: number;
}

/** A page that is no longer in the table and not yet free. */
export interface TakenPage extends UnitRange {
  readonly slot: number;
  readonly layer: number;
}

/** The arenas and their block table. */
export class BlockTable {
  /** Of every layer: its own, or one for all. */
  readonly arenas: readonly DeviceBuffer[];
  /** u32 [nSlots, nLayers, nKvHeads, pageEntries] */
  readonly pages: DeviceBuffer;
  readonly shape: BlockTableShape;
  readonly #device: Device;
  readonly #arenas: readonly Arena[];
  readonly #isShared: boolean;
  readonly #starts: Uint32Array<ArrayBuffer>;
  readonly #units: Uint32Array<ArrayBuffer>;
  readonly #slotUnits: Uint32Array;
  readonly #slotPeakUnits: Uint32Array;
  readonly #dirtySlots = new Set<number>();
  /** Places that pages have left which grew, to be given back where they are still free. */
  readonly #outgrown: TakenPage[] = [];
  /** Of pages that came since the last {@linkcode settle}. */
  #newUnits = 0;

  constructor(device: Device, shape: BlockTableShape) {
    this.shape = shape;
    this.#device = device;
    const { nSlots, nLayers, nKvHeads, pageEntries } = shape;
    const units = Math.ceil(shape.arenaBytes / ARENA_UNIT);
    this.#isShared = device.maxBindingBytes === Infinity && units * nLayers <= MOST_UNITS;
    const forLayers = <T>(make: (units: number, of: string) => T): T[] => {
      if (!this.#isShared) {
        return Array.from({ length: nLayers }, (_, layer) => make(units, ` of layer ${layer}`));
      }
      const shared = make(units * nLayers, "");
      return Array.from({ length: nLayers }, () => shared);
    };
    this.#arenas = forLayers((units) => new Arena(units));
    const entries = nSlots * nLayers * nKvHeads * pageEntries;
    this.#starts = new Uint32Array(entries);
    this.#units = new Uint32Array(entries);
    this.#slotUnits = new Uint32Array(nSlots);
    this.#slotPeakUnits = new Uint32Array(nSlots);
    this.arenas = forLayers((units, of) => device.reserve(units * ARENA_UNIT, `kv arena${of}`));
    this.pages = device.allocate(Math.max(4, entries * 4), "pages");
  }

  /** Layers · KV heads. */
  get nHeadsPerSlot(): number {
    return this.shape.nLayers * this.shape.nKvHeads;
  }

  /** Bytes of live pages, of all slots. */
  get allocatedBytes(): number {
    return [...new Set(this.#arenas)].reduce((sum, { allocatedBytes }) => sum + allocatedBytes, 0);
  }

  /** Bytes of a slot's live pages, and the most they have been since {@linkcode resetPeak}. */
  bytesOf(slot: number): { readonly allocated: number; readonly peak: number } {
    return {
      allocated: this.#slotUnits[slot]! * ARENA_UNIT,
      peak: this.#slotPeakUnits[slot]! * ARENA_UNIT,
    };
  }

  /** Starts a new peak of a slot at its present state. */
  resetPeak(slot: number): void {
    this.#slotPeakUnits[slot] = this.#slotUnits[slot]!;
  }

  /** Index of an entry: `head` counts layers · KV heads. */
  entryIndex(at: { slot: number; head: number; entry: number }): number {
    return (at.slot * this.nHeadsPerSlot + at.head) * this.shape.pageEntries + at.entry;
  }

  /** Bytes of the page at an entry; 0 when it has none. */
  bytesAt(index: number): number {
    return this.#units[index]! * ARENA_UNIT;
  }

  /** The page at an entry, in bytes of its layer's arena. */
  pageAt(index: number): BufferRange {
    const buffer = this.arenas[this.#placeOf(index).layer]!;
    return { buffer, offset: this.#starts[index]! * ARENA_UNIT, bytes: this.bytesAt(index) };
  }

  /**
   * Makes an entry's page `bytes` large, wherever it then lies; what it holds moves along as far as it fits.
   * No byte is held twice. 0 frees it.
   *
   * @param options.isApart whether it is one of those that move
   * @throws {RangeError} the arena is full
   * @throws {KerfError} the device has no memory for it; the page is gone then
   */
  resize(index: number, bytes: number, options: { readonly isApart: boolean }): void {
    const units = Math.ceil(bytes / ARENA_UNIT);
    if (this.#units[index] === units) return;
    const old = this.take(index);
    if (old.units > 0) this.#free(old);
    this.#newUnits -= old.units;
    if (units > 0) this.#allocate(index, { units, ...options });
    if (old.units === 0) return;
    this.#copy(old, { start: this.#starts[index]!, units });
    // Where a page grows others do, into its place.
    if (units > old.units) this.#outgrown.push(old);
    else this.#discard(old);
  }

  /** A page of a size for an entry that has none. */
  #allocate(
    index: number,
    { units, isApart }: { readonly units: number; readonly isApart: boolean },
  ): void {
    const { slot, layer, entry } = this.#placeOf(index);
    const [arena, buffer] = [this.#arenas[layer]!, this.arenas[layer]!];
    const { segmentEntries } = this.shape;
    const part = isApart
      ? segmentEntries.length
      : segmentEntries.findLastIndex((first) => first <= entry);
    const start = arena.allocate(units, this.#isShared ? this.#partStart(part, arena) : 0);
    try {
      this.#device.commit(buffer, start * ARENA_UNIT, units * ARENA_UNIT);
    } catch (error) {
      arena.free({ start, units });
      throw error;
    }
    this.#starts[index] = start;
    this.#units[index] = units;
    this.#newUnits += units;
    this.#slotUnits[slot]! += units;
    this.#slotPeakUnits[slot] = Math.max(this.#slotPeakUnits[slot]!, this.#slotUnits[slot]!);
    this.#dirtySlots.add(slot);
  }

  /** The unit where a part of an arena begins, a page of the system's. */
  #partStart(part: number, { totalUnits }: Arena): number {
    const units = totalUnits / (this.shape.segmentEntries.length + 1);
    return part * Math.floor(units / SYSTEM_PAGE_UNITS) * SYSTEM_PAGE_UNITS;
  }

  /** Copies as much of an old page as the new one holds, piece by piece where they overlap. */
  #copy(from: TakenPage, to: UnitRange): void {
    const units = Math.min(from.units, to.units);
    const step = Math.min(units, Math.abs(to.start - from.start));
    if (step === 0) return;
    for (let done = 0; done < units; done += step) {
      const n = Math.min(step, units - done);
      const at = to.start < from.start ? done : units - done - n;
      this.#device.copy(this.arenas[from.layer]!, {
        from: (from.start + at) * ARENA_UNIT,
        to: (to.start + at) * ARENA_UNIT,
        bytes: n * ARENA_UNIT,
      });
    }
  }

  /** Takes an entry's page out of the table without freeing it. */
  take(index: number): TakenPage {
    const page = {
      ...this.#placeOf(index),
      start: this.#starts[index]!,
      units: this.#units[index]!,
    };
    this.#starts[index] = 0;
    this.#units[index] = 0;
    this.#dirtySlots.add(page.slot);
    return page;
  }

  /** Frees a page that {@linkcode take} gave; its memory returns to the system. */
  release(page: TakenPage): void {
    if (page.units === 0) return;
    this.#free(page);
    this.#discard(page);
  }

  #free(page: TakenPage): void {
    this.#slotUnits[page.slot]! -= page.units;
    this.#arenas[page.layer]!.free(page);
  }

  /** Gives back the memory of a page that was freed, but for what others have. */
  #discard({ layer, ...range }: TakenPage): void {
    for (const { offset, bytes } of this.#arenas[layer]!.emptied(range)) {
      this.#device.discard(this.arenas[layer]!, offset, bytes);
    }
  }

  /** Frees every page of a slot. */
  releaseSlot(slot: number): void {
    const first = this.entryIndex({ slot, head: 0, entry: 0 });
    for (let i = first; i < first + this.nHeadsPerSlot * this.shape.pageEntries; i++) {
      if (this.#units[i]! > 0) this.release(this.take(i));
    }
  }

  /** The entries of some heads of a slot, as the device reads them: a view, not a copy. */
  entriesOf(at: { slot: number; head: number; nHeads: number }): Uint32Array<ArrayBuffer> {
    const first = this.entryIndex({ ...at, entry: 0 });
    return this.#starts.subarray(first, first + at.nHeads * this.shape.pageEntries);
  }

  /** Writes what changed to the device. */
  sync(): void {
    for (const page of this.#outgrown.splice(0)) this.#discard(page);
    for (const slot of this.#dirtySlots) {
      const data = this.entriesOf({ slot, head: 0, nHeads: this.nHeadsPerSlot });
      this.#device.write(this.pages, data, data.byteOffset);
    }
    this.#dirtySlots.clear();
  }

  /** Whether pages have come since {@linkcode settle} that are worth calling it. */
  get hasGrown(): boolean {
    return this.#newUnits * ARENA_UNIT >= GROWTH_BYTES;
  }

  /** Says that pages stay as they are for a while. */
  settle(): void {
    this.#newUnits = 0;
    for (const arena of new Set(this.arenas)) this.#device.settle(arena);
  }

  free(): void {
    for (const arena of new Set(this.arenas)) this.#device.free(arena);
    this.#device.free(this.pages);
  }

  #placeOf(index: number): { slot: number; layer: number; entry: number } {
    const { nLayers, nKvHeads, pageEntries } = this.shape;
    const layers = Math.floor(index / (nKvHeads * pageEntries));
    const entry = index % pageEntries;
    return { slot: Math.floor(layers / nLayers), layer: layers % nLayers, entry };
  }
}
