/**
 * The append kernel: rotated queries in place and, where scores read them, in rings; rotated keys and values
 * behind the cache's rows.
 */

import type { Append } from "../dsl/append.ts";
import { layoutName } from "../layout/name.ts";
import { isTurned } from "../layout/types.ts";
import { authorRunner } from "../reference/hooks.ts";
import { rotateReference } from "../reference/append.ts";
import { turnBound, turnReference } from "../reference/basis.ts";
import { qkvStride } from "./attention.ts";
import { seenCache, STREAMS, withBuffers } from "./cache_state.ts";
import { placeOf, positionOf, rowOf } from "./state_rows.ts";
import type { CacheState } from "./cache_state.ts";
import type { CaseRow } from "./state_rows.ts";
import { N_KV_HEADS } from "./cases.ts";
import type { Measurement } from "./compare.ts";
import { roundedHook } from "./hooks.ts";
import { storedBound } from "./stored_bound.ts";
import type { RunNamed } from "./kernels.ts";
import type { PruningProblem } from "./pruning_case.ts";
import { recordingOf } from "./ring_stage.ts";
import type { Rings } from "./ring_stage.ts";
import { strayBytes } from "./stray_bytes.ts";
import { AT, segmentsOf, stored } from "./written_cache.ts";
import type { WrittenCache } from "./written_cache.ts";

/** What the kernel left behind. */
export interface Appended {
  readonly state: CacheState;
  /** The cache as attention finds it: the rows are stored, `heads` leaves them out. */
  readonly cache: WrittenCache;
  /** f32 [n, qkvStride], queries rotated. */
  readonly qkv: Float32Array<ArrayBuffer>;
  /** Position of the first row. */
  readonly position: number;
  /** The rings, one behind the other, as the kernel left them. */
  readonly q_ring: Float32Array<ArrayBuffer>;
  readonly measurements: readonly Measurement[];
}

/** The kernel of a layout: the one that records, where there is a ring. */
export const appendName = (layout: string, recording: boolean): string =>
  `${recording ? "append_recording" : "append"}__${layout}`;

/** Runs the kernel on the next `n` rows of a problem's qkv. */
export async function append(
  p: PruningProblem,
  state: CacheState,
  options: { readonly n: number; readonly rings: Rings; readonly run: RunNamed },
): Promise<Appended> {
  const { n, rings, run } = options;
  const recording = recordingOf(rings);
  const { group, headDim } = p.shape;
  const position = state.nTokens;
  const cache = seenCache(state, n);
  const stride = qkvStride(p.shape);
  const before = p.qkv.slice(position * stride, (position + n) * stride);
  const { qkv, arena, q_ring } = await run(appendName(layoutName(p.layout), rings.size > 0), {
    defines: { HEAD_DIM: headDim },
    buffers: {
      ...cache.buffers,
      ...{ qkv: before, rope: p.rope, q_ring: recording.q_ring },
      row_position: Uint32Array.from({ length: n }, (_, i) => position + i),
      row_seq: new Uint32Array(n),
      seqs: Uint32Array.of(n, 0, position, AT.slot),
    },
    constants: {
      ...cache.constants,
      ...recording.constants,
      ...{ n_heads: group * N_KV_HEADS, n_kv_heads: N_KV_HEADS, qkv_stride: stride },
      key_page: cache.firstPages[p.layout.key.segments.length - 1]!,
      value_page: cache.firstPages.at(-1)!,
    },
    step: { nRows: n, nSeqs: 1 },
  });
  const after = withBuffers(cache, { arena });
  const heads = state.heads.map((head) => ({ ...head, rows: head.rows + n }));
  const next: CacheState = { ...state, cache: after, heads, nTokens: position + n };
  const first = state.heads.map(({ rows }) => p.layout.positions === "cache" ? rows : position);
  const rows: NewRows = { position, first, n, written: writtenRows(next, n) };
  return {
    ...{ state: next, cache: after, qkv, position, q_ring },
    measurements: [
      measure(p, rows, { before, qkv, after }),
      ...positions(next, rows),
      strayBytes("append", { before: cache, after }, rows.written.flat(2)),
    ],
  };
}

/** The rows of a step, and where their keys and values go: [row][KV head][key, value]. */
interface NewRows {
  readonly position: number;
  /** What the first row of each KV head is rotated by: its position, or its place among the head's rows. */
  readonly first: readonly number[];
  readonly n: number;
  readonly written: readonly CaseRow[][][];
}

const writtenRows = (next: CacheState, n: number): CaseRow[][][] =>
  Array.from(
    { length: n },
    (_, i) =>
      next.heads.map(({ rows }, kvHead) =>
        STREAMS.map((of) => placeOf(next, { of, kvHead, row: rows - n + i }))
      ),
  );

/** The position that each new row carries, where rows carry one. */
function positions(next: CacheState, { position, n, written }: NewRows): Measurement[] {
  if (!next.cache.layout.rowPositions) return [];
  const dims = [{ name: "position of row", size: n }, { name: "head", size: N_KV_HEADS }];
  const got = written.flatMap((heads, i) =>
    heads.map((_, kvHead) => positionOf(next, kvHead, next.heads[kvHead]!.rows - n + i))
  );
  const want = written.flatMap((heads, i) => heads.map(() => position + i));
  return [{ kernel: "append", dims, got, want }];
}

/** Query heads, then key heads, then value heads of every row. */
function measure(
  p: PruningProblem,
  rows: NewRows,
  found: {
    readonly before: Float32Array;
    readonly qkv: Float32Array;
    readonly after: WrittenCache;
  },
): Measurement {
  const { group, headDim } = p.shape;
  const { definition } = p.sources.append;
  const rotate = authorRunner(definition, "rotate");
  const rounded = roundedHook(p.sources.append, "rotate");
  const { pairing } = definition as Append;
  const [stride, nHeads] = [qkvStride(p.shape), group * N_KV_HEADS];
  const segments = segmentsOf(p.layout);
  const got = Float64Array.from(found.qkv);
  const want = new Float64Array(got.length);
  const bound = new Float64Array(got.length);
  for (let i = 0; i < rows.n; i++) {
    for (let head = 0; head < nHeads + 2 * N_KV_HEADS; head++) {
      const at = i * stride + head * headDim;
      const x = found.before.subarray(at, at + headDim);
      const kind = head < nHeads ? "query" : head < nHeads + N_KV_HEADS ? "key" : "value";
      const kvHead = kind === "query" ? Math.floor(head / group) : (head - nHeads) % N_KV_HEADS;
      const row = kind === "query" ? undefined : rows.written[i]![kvHead]![kind === "key" ? 0 : 1]!;
      if (row !== undefined) got.set(rowOf(found.after, row), at);
      const isTurnedHead = isTurned(kind === "value" ? p.layout.value : p.layout.key);
      if (kind === "value" && !isTurnedHead) {
        want.set(x.map((value) => stored(value, segments[row!.index]!)), at);
        continue;
      }
      const angles = p.rope.subarray((rows.first[kvHead]! + i) * headDim).subarray(0, headDim);
      const none = () => new Float64Array(headDim);
      const rotated = kind === "value"
        ? Float64Array.from(x)
        : rotateReference(x, { pairing, rotate, rope: angles });
      const rotatedErrors = kind === "value" ? none() : rotateReference(x, {
        ...{ pairing, rope: angles },
        rotate: (pair) => rounded(pair).map(({ error }) => error),
      });
      const turned = isTurnedHead ? turnReference(rotated) : rotated;
      const errors = isTurnedHead ? none().fill(turnBound(rotated, rotatedErrors)) : rotatedErrors;
      const segment = row && segments[row.index]!;
      const store = (value: number) => segment ? stored(value, segment) : value;
      turned.forEach((value, c) => {
        want[at + c] = store(value);
        bound[at + c] = storedBound({ value, error: errors[c]! }, store);
      });
    }
  }
  const dims = [
    { name: "row", size: rows.n },
    { name: "head", size: nHeads + 2 * N_KV_HEADS },
    { name: "channel", size: headDim },
  ];
  return { kernel: "append", dims, got, want, bound };
}
