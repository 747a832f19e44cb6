/** The rings of last queries that scores read, kept over the steps of a sequence as declared. */

import type { RowRing } from "../dsl/accumulator.ts";
import { qkvStride } from "./attention.ts";
import { N_KV_HEADS } from "./cases.ts";
import type { Measurement } from "./compare.ts";
import { scoredSteps } from "./planned_steps.ts";
import type { PlannedScore } from "./planned_steps.ts";
import type { PruningProblem } from "./pruning_case.ts";
import { AT } from "./written_cache.ts";

/** What a place holds that no kernel wrote. */
const UNTOUCHED = -7;

/** Where layer AT.layer of slot AT.slot starts, in heads. */
export const firstHead = (nHeads: number): number => (AT.slot * AT.nLayers + AT.layer) * nHeads;

/** A ring on the device and the declared accumulator of each query head beside it. */
export interface Ring {
  readonly window: number;
  /** f32 [nSlots, nLayers, nHeads, window, headDim] */
  readonly buffer: Float32Array<ArrayBuffer>;
  readonly heads: readonly RowRing[];
}

/** Rings by the number of their places: steps with as many share one. */
export type Rings = ReadonlyMap<number, Ring>;

/** The steps of a problem that remember queries, one for each ring. */
const remembering = (p: PruningProblem): PlannedScore[] => {
  const steps = scoredSteps(p).filter(({ window }) => window > 0);
  return [...new Map(steps.map((step) => [step.window, step])).values()];
};

/** Rings that no kernel has written to. */
export function emptyRings(p: PruningProblem): Rings {
  const { group, headDim } = p.shape;
  const nHeads = group * N_KV_HEADS;
  return new Map(
    remembering(p).map(({ queries, window }) => {
      const length = AT.nSlots * AT.nLayers * nHeads * window * headDim;
      const heads = Array.from({ length: nHeads }, () => queries!.init(window));
      return [window, { window, buffer: new Float32Array(length).fill(UNTOUCHED), heads }];
    }),
  );
}

/** What an append that records is given of the rings: one behind the other, two at most. */
export function recordingOf(rings: Rings) {
  const [first, second] = [...rings.values()];
  const buffers = [first, second].flatMap((ring) => ring ? [...ring.buffer] : []);
  return {
    q_ring: Float32Array.from(buffers),
    constants: {
      window: first?.window ?? 0,
      second_window: second?.window ?? 0,
      second_ring: second ? first!.buffer.length : 0,
    },
  };
}

/** The rings that an append left, held to the declared accumulators that have seen its rows. */
export function recorded(
  p: PruningProblem,
  rings: Rings,
  step: {
    readonly q_ring: Float32Array<ArrayBuffer>;
    /** f32 [n, qkvStride], queries rotated. */
    readonly qkv: Float32Array<ArrayBuffer>;
    /** Of the first row. */
    readonly position: number;
  },
): { rings: Rings; measurements: Measurement[] } {
  const { headDim } = p.shape;
  const stride = qkvStride(p.shape);
  const n = step.qkv.length / stride;
  const next = new Map<number, Ring>();
  let start = 0;
  for (const { window, buffer: before, heads: seen } of rings.values()) {
    const { queries } = remembering(p).find((scored) => scored.window === window)!;
    const heads = seen.map((state, head) => {
      for (let row = 0; row < n; row++) {
        const at = row * stride + head * headDim;
        state = queries!.update(state, step.qkv.subarray(at, at + headDim), step.position + row);
      }
      return state;
    });
    const buffer = step.q_ring.slice(start, start + before.length);
    start += before.length;
    next.set(window, { window, buffer, heads });
  }
  return { rings: next, measurements: [...next.values()].map((ring) => measure(p, ring)) };
}

function measure(p: PruningProblem, { window, buffer, heads }: Ring): Measurement {
  const { headDim } = p.shape;
  const want = new Float32Array(buffer.length).fill(UNTOUCHED);
  heads.forEach(({ places }, head) =>
    places.forEach((row, place) => {
      if (row) want.set(row, ((firstHead(heads.length) + head) * window + place) * headDim);
    })
  );
  const dims = [
    { name: "slot", size: AT.nSlots },
    { name: "layer", size: AT.nLayers },
    { name: "head", size: heads.length },
    { name: "row", size: window },
    { name: "channel", size: headDim },
  ];
  return { kernel: "record queries", dims, got: buffer, want };
}

/** The rows that a head remembers, oldest first, and the position of the first. */
export function remembered(ring: Ring, head: number) {
  const { places, seen } = ring.heads[head]!;
  const n = Math.min(seen, places.length);
  const rows = Array.from({ length: n }, (_, i) => places[(seen - n + i) % places.length]!);
  return { rows, first: seen - n };
}
