/**
 * Rows that stay or leave in blocks, held to their references on any target: what a block scores, and what is
 * left of a choice that cuts one. Positions have gaps, so blocks differ in size.
 */

import { assertEquals } from "@std/assert";
import {
  blockScoresReference,
  blockStartsReference,
  selectRowsReference,
  trimBlocksReference,
} from "../src/reference/mod.ts";
import { assertClose } from "./_close.ts";
import { randomFrom } from "./_kernel.ts";
import type { RunKernel } from "./_kernel.ts";
import { LAYER, N_LAYERS, pagesOf, positionsOf, SLOT, VALUE_PAGE } from "./_positions.ts";

const UNREAD = 9999;

/** Sizes of a problem: rows of each KV head. */
export interface BlockCase {
  readonly rows: readonly number[];
  readonly block: number;
  readonly kind: "mean" | "max";
  readonly first: number;
  readonly last: number;
}

/** Scores of blocks, then what is trimmed of choices of several sizes. */
export async function checkBlocks(given: BlockCase, run: RunKernel): Promise<void> {
  const { rows, block, kind, first, last } = given;
  const [nKvHeads, maxRows] = [rows.length, Math.max(...rows)];
  const positions = rows.map(positionsOf);
  const { page_entries, ...cache } = pagesOf(positions);
  const random = randomFrom(block + maxRows);
  const scores = Float32Array.from({ length: nKvHeads * maxRows }, random);
  const listed = rows.map((n) => n >> 1);
  const cuts = (keeps: readonly number[]) =>
    Uint32Array.from([
      ...Array(4 * nKvHeads).fill(UNREAD),
      ...rows.flatMap((n, h) => [listed[h]!, n, keeps[h]!, 0]),
    ]);
  const constants = {
    ...{ slot: SLOT, layer: LAYER, n_layers: N_LAYERS, n_kv_heads: nKvHeads, page_entries },
    ...{ value_page: VALUE_PAGE, block_rows: block, takes_max: Number(kind === "max") },
    ...{ protect_first: first, protect_last: last, max_rows: maxRows },
  };
  const common = { constants, defines: {}, step: {} };
  const label = JSON.stringify(given);
  const scored = await run("block_scores", {
    ...common,
    buffers: {
      ...{ ...cache, token_scores: scores, cuts: cuts(rows) },
      block_scores: new Float32Array(scores.length).fill(-7),
      block_starts: new Uint32Array(scores.length).fill(UNREAD),
    },
  });
  const starts = rows.map((_, h) =>
    blockStartsReference(positions[h]!, { rows: block, first, last })
  );
  rows.forEach((n, h) => {
    const own = (buffer: ArrayLike<number>) =>
      Array.from(buffer).slice(h * maxRows, h * maxRows + n);
    const want = blockScoresReference(own(scores), starts[h]!, kind)
      .map((score, row) => starts[h]![row] === null ? -7 : score);
    // A sum of at most `block` numbers below 1, one rounding each, and a quotient.
    assertClose(own(scored["block_scores"]!), want, { bound: 2 ** -23 * (block + 4), label });
    assertEquals(own(scored["block_starts"]!), starts[h]!.map((start) => start ?? UNREAD), label);
  });

  for (const share of [0.1, 0.5, 0.77, 1]) {
    const keeps = rows.map((n) => Math.min(n, Math.max(1, first + last, Math.round(share * n))));
    const chosen = rows.map((n, h) => {
      const own = Array.from(scored["block_scores"]!).slice(h * maxRows, h * maxRows + n);
      return selectRowsReference(own, { keep: keeps[h]!, first, last });
    });
    const lists = (kept: readonly (readonly number[])[]) =>
      kept.flatMap((own) => [...own, ...Array(maxRows - own.length).fill(UNREAD)]);
    const counts = (kept: readonly (readonly number[])[]) => [
      ...Array(2 * nKvHeads).fill(UNREAD),
      ...kept.flatMap((own, h) => [own.filter((row) => row < listed[h]!).length, own.length]),
    ];
    const trimmed = await run("trim_blocks", {
      ...common,
      buffers: {
        ...{ block_starts: scored["block_starts"]!, cuts: cuts(keeps) },
        kept: Uint32Array.from(lists(chosen)),
        kept_counts: Uint32Array.from(counts(chosen)),
      },
    });
    const want = chosen.map((own, h) => trimBlocksReference(own, starts[h]!));
    assertEquals([...trimmed["kept_counts"]!], counts(want), `${label}, ${share} kept`);
    want.forEach((own, h) => {
      const got = [...trimmed["kept"]!].slice(h * maxRows, h * maxRows + own.length);
      assertEquals(got, own, `${label}, ${share} kept, head ${h}`);
    });
  }
}
