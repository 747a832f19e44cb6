/**
 * Steps of several sequences through `append_recording`: it must do to queries and cache what `append` does
 * to the same step, and leave in its rings what `lastQueries` declares of the rotated queries, bit for bit.
 * Every element of the rings is compared, so one of another sequence, layer or ring is seen.
 */

import { assertEquals } from "@std/assert";
import type { TypedArray } from "../src/device/run_kernel.ts";
import { lastQueries } from "../src/dsl/accumulator.ts";
import type { RowRing } from "../src/dsl/accumulator.ts";
import { ARENA_UNIT, PAGE_ROWS, parseLayoutName } from "../src/layout/mod.ts";
import { randomFrom, runNamed as runOnCpu } from "./_kernel.ts";
import { AT } from "./_kv_cache.ts";

/** What to run. */
export interface RecordingCase {
  readonly layout: string;
  readonly headDim: number;
  readonly nKvHeads: number;
  readonly group: number;
  /** Places of both rings; a second of 0 is none. */
  readonly windows: readonly [number, number];
  /** Rows of slot 0 and of slot 1, whose rows come first; none: it is not in the step. */
  readonly steps: readonly (readonly [number, number])[];
}

/** Runs a kernel once. */
export type Run = <B extends Readonly<Record<string, TypedArray>>>(
  name: string,
  options: {
    readonly buffers: B;
    readonly defines: Readonly<Record<string, number>>;
    readonly constants: Readonly<Record<string, number>>;
    readonly step: { readonly nRows: number; readonly nSeqs: number };
  },
) => Promise<Partial<B>>;

/** What an append changes. */
export interface Appended {
  readonly qkv: Float32Array<ArrayBuffer>;
  readonly arena: Uint8Array<ArrayBuffer>;
}

/** Where each slot's sequence begins: one does not at place 0 of its rings. */
const STARTS = [0, 5] as const;

/** What a place holds that no kernel wrote. */
const UNTOUCHED = -7;

/** @param compare holds what a step changed to what `append` changes on the CPU */
export async function assertRecording(
  given: RecordingCase,
  run: Run,
  compare: (got: Appended, want: Appended) => void,
): Promise<void> {
  const { layout, headDim, nKvHeads, group, windows, steps } = given;
  const nHeads = nKvHeads * group;
  const stride = (nHeads + 2 * nKvHeads) * headDim;
  const { cache, constants } = emptyCache(given);
  const random = randomFrom(group);
  const rope = Float32Array.from({ length: 1024 * headDim }, random);
  const rings = ringsOf(nHeads, given);
  let { arena, q_ring } = { arena: cache.arena, q_ring: rings.wanted() };
  const stored = [0, 0];
  for (const step of steps) {
    const slots = [1, 0].filter((slot) => step[slot]! > 0);
    const rows = slots.flatMap((slot, seq) =>
      Array.from({ length: step[slot]! }, (_, i) => ({
        ...{ seq, slot, position: STARTS[slot]! + stored[slot]! + i },
      }))
    );
    const seqs = slots.flatMap((slot) => [
      ...[step[slot]!, rows.findIndex((row) => row.slot === slot)],
      ...[STARTS[slot]! + stored[slot]!, slot],
    ]);
    const buffers = {
      qkv: Float32Array.from({ length: rows.length * stride }, () => 2 * random()),
      rope,
      row_position: Uint32Array.from(rows, ({ position }) => position),
      row_seq: Uint32Array.from(rows, ({ seq }) => seq),
      seqs: Uint32Array.from(seqs),
      pages: cache.pages,
      heads: cache.heads.map((_, i) => stored[Math.floor(AT.nSlots * i / cache.heads.length)]!),
      arena,
    };
    const defines = { HEAD_DIM: headDim };
    const sizes = { nRows: rows.length, nSeqs: slots.length };
    const own = { ...constants, n_heads: nHeads, qkv_stride: stride };
    const got = await run(`append_recording__${layout}`, {
      ...{ defines, buffers: { ...buffers, q_ring }, step: sizes },
      constants: { ...own, ...rings.constants },
    });
    const want = await runOnCpu(`append__${layout}`, {
      ...{ defines, buffers, step: sizes, constants: own },
    });
    compare({ qkv: got.qkv!, arena: got.arena! }, { qkv: want.qkv!, arena: want.arena! });
    rows.forEach(({ slot, position }, i) => {
      for (let head = 0; head < nHeads; head++) {
        const at = i * stride + head * headDim;
        rings.see(got.qkv!.slice(at, at + headDim), { slot, head, position });
      }
    });
    assertEquals(got.q_ring, rings.wanted(), `rings of ${windows}, ${step} rows behind ${stored}`);
    ({ arena, q_ring } = { arena: got.arena!, q_ring: got.q_ring! });
    slots.forEach((slot) => stored[slot]! += step[slot]!);
  }
}

/** Both rings as the declared accumulators have them. */
function ringsOf(nHeads: number, { headDim, windows }: RecordingCase) {
  const lengths = windows.map((window) => AT.nSlots * AT.nLayers * nHeads * window * headDim);
  // Elements of no ring lie between the two.
  const starts = [0, lengths[0]! + headDim];
  const used = windows.map((window, ring) => ({ window, start: starts[ring]! }))
    .filter(({ window }) => window > 0)
    .map((ring) => ({
      ...ring,
      declared: lastQueries(ring.window),
      states: new Map<number, RowRing>(),
    }));
  return {
    constants: {
      ...{ window: windows[0], second_window: windows[1] },
      second_ring: windows[1] > 0 ? starts[1]! : 0,
    },
    see(row: Float32Array, at: { slot: number; head: number; position: number }) {
      const key = (at.slot * AT.nLayers + AT.layer) * nHeads + at.head;
      for (const { window, declared, states } of used) {
        const state = states.get(key) ?? declared.init(window);
        states.set(key, declared.update(state, row, at.position));
      }
    },
    wanted(): Float32Array<ArrayBuffer> {
      const q_ring = new Float32Array(starts[1]! + lengths[1]!).fill(UNTOUCHED);
      for (const { window, start, states } of used) {
        for (const [key, { places }] of states) {
          places.forEach((row, place) => {
            if (row) q_ring.set(row as Float32Array, start + (key * window + place) * headDim);
          });
        }
      }
      return q_ring;
    },
  };
}

/** A cache without rows, with pages for every row of every segment of a head. */
function emptyCache({ layout, headDim, nKvHeads, steps }: RecordingCase) {
  const { key, value } = parseLayoutName(layout);
  const nSegments = key.segments.length + value.segments.length;
  const nRows = [0, 1].map((slot) => steps.reduce((sum, step) => sum + step[slot]!, 0));
  const nPages = Math.ceil(Math.max(...nRows) / PAGE_ROWS);
  const nPlaces = AT.nSlots * AT.nLayers * nKvHeads;
  // Rows of f32 and a position each.
  const units = PAGE_ROWS * (headDim + 1) * 4 / ARENA_UNIT;
  const entries = nPlaces * nSegments * nPages;
  return {
    cache: {
      pages: Uint32Array.from({ length: entries }, (_, i) => i * units),
      heads: new Uint32Array(nPlaces * nSegments * 2),
      arena: new Uint8Array(entries * units * ARENA_UNIT),
    },
    constants: {
      ...{ layer: AT.layer, n_layers: AT.nLayers, n_kv_heads: nKvHeads },
      page_entries: nSegments * nPages,
      key_page: (key.segments.length - 1) * nPages,
      value_page: (nSegments - 1) * nPages,
    },
  };
}
