/**
 * Queries that are turned back where rows leave, held to plain loops on any target: by as many places as rows
 * leave that are no later, all others untouched.
 */

import { assertClose } from "./_close.ts";
import { randomFrom } from "./_kernel.ts";
import type { RunKernel } from "./_kernel.ts";
import { LAYER, N_LAYERS, pagesOf, positionsOf, SLOT, VALUE_PAGE } from "./_positions.ts";

/** Sizes of a problem. */
export interface TurnCase {
  /** Of each KV head. */
  readonly rows: readonly number[];
  /** Query heads that share one. */
  readonly group: number;
  readonly headDim: number;
  /** Places of the ring. */
  readonly window: number;
  /** Tokens behind the last row's. */
  readonly behind: number;
}

/** Turns the queries of a layer of which every third row leaves, and a run of rows. */
export async function checkTurned(given: TurnCase, run: RunKernel): Promise<void> {
  const { rows, group, headDim, window, behind } = given;
  const [nKvHeads, maxRows, half] = [rows.length, Math.max(...rows), headDim / 2];
  const nHeads = nKvHeads * group;
  const positions = rows.map(positionsOf);
  const { page_entries, ...cache } = pagesOf(positions);
  const nTokens = Math.max(...positions.map((own) => own.at(-1)!)) + 1 + behind;
  const nWindow = Math.min(window, nTokens);
  const kept = rows.map((n, kvHead) =>
    Array.from({ length: n }, (_, row) => row)
      .filter((row) => row % 3 !== kvHead % 3 && (row < 40 || row >= 70))
  );
  const random = randomFrom(window + maxRows);
  const angles = Float32Array.from({ length: (maxRows + 1) * headDim }, (_, i) => {
    const [back, c] = [Math.floor(i / headDim), i % headDim];
    const angle = back * 10000 ** (-(c % half) / half);
    return c < half ? Math.cos(angle) : Math.sin(angle);
  });
  const ring = Float32Array.from(
    { length: 2 * N_LAYERS * nHeads * window * headDim },
    () => 8 * random(),
  );
  const perHead = (size: number, of: (kvHead: number) => readonly number[]) =>
    Uint32Array.from([
      ...Array(size * nKvHeads).fill(9999),
      ...rows.flatMap((_, kvHead) => of(kvHead)),
    ]);
  const { q_ring } = await run("turn_queries", {
    buffers: {
      ...{ ...cache, rope: angles, q_ring: ring.slice() },
      cuts: perHead(4, (h) => [0, rows[h]!, kept[h]!.length, 0]),
      kept: Uint32Array.from(
        kept.flatMap((own) => [...own, ...Array(maxRows - own.length).fill(9999)]),
      ),
      kept_counts: perHead(2, (h) => [0, kept[h]!.length]),
    },
    constants: {
      ...{ slot: SLOT, layer: LAYER, n_layers: N_LAYERS, n_heads: nHeads, n_kv_heads: nKvHeads },
      ...{ page_entries, value_page: VALUE_PAGE, window, n_window: nWindow, n_tokens: nTokens },
      max_rows: maxRows,
    },
    defines: { HEAD_DIM: headDim },
    step: {},
  });
  const want = Float64Array.from(ring);
  for (let head = 0; head < nHeads; head++) {
    const kvHead = Math.floor(head / group);
    for (let position = nTokens - nWindow; position < nTokens; position++) {
      const isSeen = (row: number) => positions[kvHead]![row]! <= position;
      const seen = positions[kvHead]!.filter((_, row) => isSeen(row)).length;
      const back = seen - kept[kvHead]!.filter(isSeen).length;
      const at = (((SLOT * N_LAYERS + LAYER) * nHeads + head) * window + position % window) *
        headDim;
      for (let c = 0; c < half; c++) {
        const [a, b] = [ring[at + c]!, ring[at + half + c]!];
        const [cos, sin] = [angles[back * headDim + c]!, angles[back * headDim + half + c]!];
        want[at + c] = a * cos + b * sin;
        want[at + half + c] = b * cos - a * sin;
      }
    }
  }
  // Two products of at most 8 and their sum, a rounding each.
  assertClose(q_ring!, want, { bound: 3 * 8 * 2 ** -23, label: JSON.stringify(given) });
}
