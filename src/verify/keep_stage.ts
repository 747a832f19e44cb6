/**
 * The move of kept rows to the front of their pages: keys and values byte for byte, what they carry with them,
 * nothing else. Where keys are rotated by their place, one that moves toward the front is turned back by as many places.
 */

import { layoutName } from "../layout/name.ts";
import { STREAMS, withBuffers } from "./cache_state.ts";
import { placeOf, positionsOf, rowOf, sumsOf } from "./state_rows.ts";
import type { CacheState, CompressedRows, HeadSizes } from "./cache_state.ts";
import { N_KV_HEADS } from "./cases.ts";
import type { Measurement } from "./compare.ts";
import type { RunNamed } from "./kernels.ts";
import type { ChosenRows } from "./select_rows_stage.ts";
import { HALF_ULP } from "./rounding.ts";
import { storedBound } from "./stored_bound.ts";
import type { OffNumber } from "./stored_bound.ts";
import { strayBytes } from "./stray_bytes.ts";
import { tokenPool } from "./token_stage.ts";
import type { TokenStage } from "./token_stage.ts";
import { stored } from "./written_cache.ts";

/** Moves the rows that stay. */
export async function keepRows(
  stage: TokenStage,
  { kept, buffers }: ChosenRows,
  run: RunNamed,
): Promise<{ state: CacheState; measurements: Measurement[] }> {
  const { state, problem: { layout } } = stage;
  const pool = tokenPool(stage);
  const { arena } = await run(`keep_rows__${layoutName(stage.cache.layout)}`, {
    ...pool,
    buffers: {
      ...pool.buffers,
      ...buffers,
      rope: stage.problem.rope,
    },
  });
  const moved: CacheState = {
    ...state,
    cache: withBuffers(state.cache, { arena }),
    heads: state.heads.map((head, kvHead) => keptSizes(head, kept[kvHead]!)),
  };
  const written = kept.flatMap((rows, kvHead) =>
    rows.flatMap((_, row) => STREAMS.map((of) => placeOf(moved, { of, kvHead, row })))
  );
  const measurements = [
    keptRows(stage, moved, kept),
    keptSides("position", { state, next: moved, kept, read: positionsOf }),
    ...(layout.rowSums ? [keptSides("sum", { state, next: moved, kept, read: sumsOf })] : []),
    strayBytes("keep rows", { before: state.cache, after: moved.cache }, written),
  ];
  return { state: moved, measurements };
}

/** What is left of a head: each segment has those of its rows that stay. */
function keptSizes(head: HeadSizes, kept: readonly number[]): HeadSizes {
  const left = ({ compressed, ...stored }: CompressedRows): CompressedRows => {
    let before = 0;
    return {
      ...stored,
      compressed: compressed.map((rows) => {
        const start = before;
        before += rows;
        return kept.filter((row) => row >= start && row < before).length;
      }),
    };
  };
  return { rows: kept.length, key: left(head.key), value: left(head.value) };
}

/** Keys, then values, of every kept row; channels that are not stored are 0 in both. */
function keptRows(
  { state, problem }: TokenStage,
  next: CacheState,
  kept: readonly (readonly number[])[],
): Measurement {
  const { headDim } = state;
  const { positions, key } = problem.layout;
  const store = (x: number) => stored(x, key.segments.at(-1)!);
  const size = Math.max(...kept.map((rows) => rows.length));
  const got = new Float64Array(N_KV_HEADS * size * 2 * headDim);
  const want = new Float64Array(got.length);
  const bound = new Float64Array(got.length);
  kept.forEach((rows, kvHead) =>
    rows.forEach((row, i) => {
      const at = (kvHead * size + i) * 2 * headDim;
      const key = rowOf(state.cache, placeOf(state, { of: "key", kvHead, row }));
      got.set(rowOf(next.cache, placeOf(next, { of: "key", kvHead, row: i })), at);
      if (positions === "true" || row === i) want.set(key, at);
      else {
        turnedBack(key, problem.rope.subarray((row - i) * headDim)).forEach((turned, c) => {
          want[at + c] = store(turned.value);
          bound[at + c] = storedBound(turned, store);
        });
      }
      got.set(rowOf(next.cache, placeOf(next, { of: "value", kvHead, row: i })), at + headDim);
      want.set(rowOf(state.cache, placeOf(state, { of: "value", kvHead, row })), at + headDim);
    })
  );
  const dims = [
    { name: "head", size: N_KV_HEADS },
    { name: "kept row", size },
    { name: "channel of key, value", size: 2 * headDim },
  ];
  return { kernel: "keep rows", dims, got, want, bound };
}

/** A key, or a query, turned back by an angle per pair: cosines of headDim / 2 of them, then sines. Four roundings. */
export function turnedBack(key: readonly number[], angles: Float32Array): OffNumber[] {
  const half = key.length / 2;
  return key.map((x, c) => {
    const pair = c % half;
    const [cos, sin] = [angles[pair]!, angles[half + pair]!];
    const [own, other] = [x * cos, key[c < half ? c + half : c - half]! * sin];
    const error = 4 * HALF_ULP * (Math.abs(own) + Math.abs(other));
    return { value: c < half ? own + other : own - other, error };
  });
}

/** What kept rows carry. */
function keptSides(
  what: "position" | "sum",
  { state, next, kept, read }: {
    readonly state: CacheState;
    readonly next: CacheState;
    readonly kept: readonly (readonly number[])[];
    readonly read: (from: CacheState, kvHead: number) => number[];
  },
): Measurement {
  const size = Math.max(...kept.map((rows) => rows.length));
  const got = new Float64Array(N_KV_HEADS * size);
  const want = new Float64Array(got.length);
  kept.forEach((rows, kvHead) => {
    const before = read(state, kvHead);
    got.set(read(next, kvHead), kvHead * size);
    want.set(rows.map((row) => before[row]!), kvHead * size);
  });
  const dims = [{ name: "head", size: N_KV_HEADS }, { name: `${what} of kept row`, size }];
  return { kernel: "keep rows", dims, got, want };
}
