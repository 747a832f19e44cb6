/** The rings of last queries that scores read, kept over the steps of a sequence as declared. */

import type { RowRing } from "../dsl/accumulator.ts";
import { qkvStride } from "./attention.ts";
import { N_KV_HEADS } from "./cases.ts";
import type { Measurement } from "./compare.ts";
import type { RunNamed } from "./kernels.ts";
import type { PruningProblem, ScoredStep } from "./pruning_case.ts";
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

/** The steps of a problem that remember queries. */
const remembering = ({ tokens, channels }: PruningProblem): ScoredStep[] =>
  [tokens, channels].filter((step) => step !== null && step.window > 0) as ScoredStep[];

/** Rings that no kernel has written to. */
export function emptyRings(p: PruningProblem): Rings {
  const { group, headDim } = p.shape;
  const nHeads = group * N_KV_HEADS;
  return new Map(
    remembering(p).map(({ step: { queries }, window }) => {
      const length = AT.nSlots * AT.nLayers * nHeads * window * headDim;
      const heads = Array.from({ length: nHeads }, () => queries!.init(window));
      return [window, { window, buffer: new Float32Array(length).fill(UNTOUCHED), heads }];
    }),
  );
}

/** Records a step's rotated queries. */
export async function recordQueries(
  p: PruningProblem,
  rings: Rings,
  step: {
    /** f32 [n, qkvStride] */
    readonly qkv: Float32Array<ArrayBuffer>;
    /** Of the first row. */
    readonly position: number;
    readonly run: RunNamed;
  },
): Promise<{ rings: Rings; measurements: Measurement[] }> {
  const { group, headDim } = p.shape;
  const nHeads = group * N_KV_HEADS;
  const stride = qkvStride(p.shape);
  const n = step.qkv.length / stride;
  const next = new Map(rings);
  const measurements: Measurement[] = [];
  for (const { step: { queries }, window } of remembering(p)) {
    const ring = rings.get(window)!;
    if (next.get(window) !== ring) continue;
    const { q_ring: buffer } = await step.run("record_queries", {
      defines: { HEAD_DIM: headDim },
      buffers: {
        qkv: step.qkv,
        row_seq: new Uint32Array(n),
        seqs: Uint32Array.of(n, 0, step.position, AT.slot),
        q_ring: ring.buffer,
      },
      constants: {
        ...{ layer: AT.layer, n_layers: AT.nLayers, n_heads: nHeads, window },
        qkv_stride: stride,
      },
      step: { nRows: n, nSeqs: 1 },
    });
    const heads = ring.heads.map((state, head) => {
      for (let row = 0; row < n; row++) {
        const at = row * stride + head * headDim;
        state = queries!.update(state, step.qkv.subarray(at, at + headDim), step.position + row);
      }
      return state;
    });
    next.set(window, { window, buffer, heads });
    measurements.push(measure(p, { window, buffer, heads }));
  }
  return { rings: next, measurements };
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
