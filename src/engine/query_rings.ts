/**
 * Where the last queries go that scores read: a ring for each number of places that a plan's scores ask
 * for, one behind the other in one buffer, since a kernel may bind few. There are two at most:
 * prune_fits.ts refuses scores that ask for more.
 */

import type { BufferRange, BufferSlice, Device } from "../device/types.ts";

/** By their number of places: f32 [nSlots, nLayers, nHeads, places, headDim], slices of one buffer. */
export type QueryRings = ReadonlyMap<number, BufferSlice>;

/** What a ring's bytes follow from. */
interface RingSizes {
  readonly nSlots: number;
  readonly nLayers: number;
  readonly nHeads: number;
  readonly headDim: number;
}

/** Slices begin at a multiple of 256 (src/device/types.ts). */
const ALIGNMENT = 256;

const slotBytes = ({ nLayers, nHeads, headDim }: Omit<RingSizes, "nSlots">, places: number) =>
  4 * nLayers * nHeads * places * headDim;

/** Reserves a ring for each number of places; 0 asks for none. */
export function reserveRings(
  device: Pick<Device, "reserve">,
  windows: readonly number[],
  sizes: RingSizes,
): QueryRings {
  const places = [...new Set(windows)].filter((n) => n > 0).sort((a, b) => a - b);
  const offsets: number[] = [];
  let bytes = 0;
  for (const n of places) {
    offsets.push(bytes);
    bytes += Math.ceil(sizes.nSlots * slotBytes(sizes, n) / ALIGNMENT) * ALIGNMENT;
  }
  if (bytes === 0) return new Map();
  const buffer = device.reserve(bytes, "q_ring");
  return new Map(places.map((n, i) => [n, { buffer, offset: offsets[i]! }]));
}

/** A slot's part of every ring: what its first rows need memory for. */
export function slotRanges(
  rings: QueryRings,
  slot: number,
  sizes: Omit<RingSizes, "nSlots">,
): BufferRange[] {
  return [...rings].map(([places, { buffer, offset = 0 }]) => {
    const bytes = slotBytes(sizes, places);
    return { buffer, offset: offset + slot * bytes, bytes };
  });
}

/** What an append that records binds beside what every append does. */
export interface Recording {
  readonly buffers: { readonly q_ring: BufferSlice };
  readonly constants: Readonly<Record<"window" | "second_window" | "second_ring", number>>;
}

/** Where a plan's appends record queries; null: no score reads any. */
export function recordingOf(rings: QueryRings): Recording | null {
  const [first, second] = [...rings];
  if (first === undefined) return null;
  return {
    buffers: { q_ring: first[1] },
    constants: {
      window: first[0],
      second_window: second?.[0] ?? 0,
      // In elements of four bytes.
      second_ring: (second?.[1].offset ?? 0) / 4,
    },
  };
}
