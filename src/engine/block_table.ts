/**
 * The host's copy of the block table: which page of the arena each entry names, and how large it is.
 * Entries of (slot, layer, KV head) are one range per segment of every stream; a page that is freed
 * gives its memory back to the system. Knows pages and nothing of rows.
 */

import type { Device, DeviceBuffer } from "../device/types.ts";
import { ARENA_UNIT } from "../layout/types.ts";
import { Arena } from "./arena.ts";

/** Sizes of the table. */
export interface BlockTableShape {
  readonly nSlots: number;
  /** Layers · KV heads. */
  readonly nHeadsPerSlot: number;
  /** Entries of one (slot, layer, KV head). */
  readonly pageEntries: number;
  /** Address space of the arena. */
  readonly arenaBytes: number;
}

/** A page that is no longer in the table and not yet free. */
export interface TakenPage {
  readonly slot: number;
  readonly start: number;
  readonly units: number;
}

/** The arena and its block table. */
export class BlockTable {
  readonly arena: DeviceBuffer;
  /** u32 [nSlots, nLayers, nKvHeads, pageEntries] */
  readonly pages: DeviceBuffer;
  readonly shape: BlockTableShape;
  readonly #device: Device;
  readonly #arena: Arena;
  readonly #starts: Uint32Array<ArrayBuffer>;
  readonly #units: Uint32Array<ArrayBuffer>;
  readonly #slotUnits: Uint32Array;
  readonly #slotPeakUnits: Uint32Array;
  readonly #dirtySlots = new Set<number>();

  constructor(device: Device, shape: BlockTableShape) {
    this.shape = shape;
    this.#device = device;
    const units = Math.ceil(shape.arenaBytes / ARENA_UNIT);
    this.#arena = new Arena(units);
    const entries = shape.nSlots * shape.nHeadsPerSlot * shape.pageEntries;
    this.#starts = new Uint32Array(entries);
    this.#units = new Uint32Array(entries);
    this.#slotUnits = new Uint32Array(shape.nSlots);
    this.#slotPeakUnits = new Uint32Array(shape.nSlots);
    this.arena = device.reserve(units * ARENA_UNIT, "kv arena");
    this.pages = device.allocate(Math.max(4, entries * 4), "pages");
  }

  /** Bytes of live pages, of all slots. */
  get allocatedBytes(): number {
    return this.#arena.allocatedBytes;
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
    const { nHeadsPerSlot, pageEntries } = this.shape;
    return (at.slot * nHeadsPerSlot + at.head) * pageEntries + at.entry;
  }

  /** Bytes of the page at an entry; 0 when it has none. */
  bytesAt(index: number): number {
    return this.#units[index]! * ARENA_UNIT;
  }

  /** Where the page at an entry starts in the arena, in bytes. */
  offsetAt(index: number): number {
    return this.#starts[index]! * ARENA_UNIT;
  }

  /** Gives an entry a page of its own. @throws {RangeError} the arena is full */
  allocate(index: number, bytes: number): void {
    const units = Math.ceil(bytes / ARENA_UNIT);
    this.#starts[index] = this.#arena.allocate(units);
    this.#units[index] = units;
    const slot = this.#slotOf(index);
    this.#slotUnits[slot]! += units;
    this.#slotPeakUnits[slot] = Math.max(this.#slotPeakUnits[slot]!, this.#slotUnits[slot]!);
    this.#dirtySlots.add(slot);
  }

  /** Takes an entry's page out of the table without freeing it. */
  take(index: number): TakenPage {
    const slot = this.#slotOf(index);
    const page = { slot, start: this.#starts[index]!, units: this.#units[index]! };
    this.#starts[index] = 0;
    this.#units[index] = 0;
    this.#dirtySlots.add(slot);
    return page;
  }

  /** Frees a page that {@linkcode take} gave; its memory returns to the system. */
  release(page: TakenPage): void {
    if (page.units === 0) return;
    this.#slotUnits[page.slot]! -= page.units;
    const { offset, bytes } = this.#arena.free(page);
    if (bytes > 0) this.#device.discard(this.arena, offset, bytes);
  }

  /** Frees every page of a slot. */
  releaseSlot(slot: number): void {
    const { nHeadsPerSlot, pageEntries } = this.shape;
    const first = this.entryIndex({ slot, head: 0, entry: 0 });
    for (let i = first; i < first + nHeadsPerSlot * pageEntries; i++) {
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
    const { nHeadsPerSlot } = this.shape;
    for (const slot of this.#dirtySlots) {
      const data = this.entriesOf({ slot, head: 0, nHeads: nHeadsPerSlot });
      this.#device.write(this.pages, data, data.byteOffset);
    }
    this.#dirtySlots.clear();
  }

  free(): void {
    this.#device.free(this.arena);
    this.#device.free(this.pages);
  }

  #slotOf(index: number): number {
    const { nHeadsPerSlot, pageEntries } = this.shape;
    return Math.floor(index / (nHeadsPerSlot * pageEntries));
  }
}
