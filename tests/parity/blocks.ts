/** Rows in blocks: C against the references. */

import { assert, assertEquals } from "@std/assert";
import { testIsas } from "../../src/device/testing.ts";
import {
  blockScoresReference,
  blockStartsReference,
  ownRowsReference,
  shareRowsReference,
  trimBlocksReference,
} from "../../src/reference/mod.ts";
import { checkBlocks } from "../_blocks.ts";
import { randomFrom, runPicked } from "../_kernel.ts";

Deno.test("blocks of rows score and stay as the references say", async () => {
  const spans = { first: 0, last: 0 };
  for (const isa of await testIsas()) {
    await checkBlocks({ rows: [31, 9], block: 4, kind: "mean", ...spans }, runPicked({ isa }));
  }
  for (const kind of ["mean", "max"] as const) {
    for (const block of [1, 3, 16, 64]) {
      await checkBlocks({ rows: [1, 33, 127], block, kind, ...spans }, runPicked());
      await checkBlocks({ rows: [6, 300, 129], block, kind, first: 3, last: 5 }, runPicked());
    }
  }
  await checkBlocks({ rows: [2000], block: 128, kind: "mean", first: 4, last: 32 }, runPicked());
});

Deno.test("heads that share their budgets share whole blocks", async () => {
  const [nRows, nKvHeads, block, floor, first, last] = [90, 3, 8, 0.3, 2, 5];
  const random = randomFrom(4);
  const positions = Array.from({ length: nRows }, (_, row) => row + (row > 40 ? 13 : 0));
  const starts = blockStartsReference(positions, { rows: block, first, last });
  const heads = Array.from({ length: nKvHeads }, (_, h) => {
    const own = Array.from({ length: nRows }, () => Math.abs(random()) * (h + 1));
    const scores = Float32Array.from(blockScoresReference(own, starts, "mean"));
    const keep = 30 + 5 * h;
    return { scores, keep, own: ownRowsReference(keep, { floor, first, last }) };
  });
  const flat = (of: (head: typeof heads[number]) => ArrayLike<number>) =>
    heads.flatMap((head) => Array.from(of(head)));
  const cuts = (keep: (head: typeof heads[number]) => number) =>
    Uint32Array.from(flat((head) => [7, nRows, keep(head), 0]));
  const floors = cuts(({ own }) => own);
  const buffers = {
    token_scores: Float32Array.from(flat(({ scores }) => scores)),
    block_starts: Uint32Array.from(flat(() => starts.map((start) => start ?? 0))),
    kept: new Uint32Array(nKvHeads * nRows),
    kept_counts: new Uint32Array(2 * nKvHeads),
  };
  const run = runPicked();
  const step = async (kernel: string, own: Record<string, Uint32Array>, shares = 0) =>
    Object.assign(
      buffers,
      await run(kernel, {
        buffers: { ...buffers, ...own },
        constants: {
          ...{ layer: 0, n_kv_heads: nKvHeads, max_rows: nRows, shares },
          ...{ protect_first: first, protect_last: last },
        },
        ...{ defines: {}, step: {} },
      }),
    );
  await step("select_rows", { cuts: floors });
  await step("trim_blocks", { cuts: floors });
  await step("raise_rows", {});
  await step("select_rows", { cuts: cuts(({ keep }) => keep) }, 1);
  await step("trim_blocks", { cuts: cuts(({ keep }) => keep) });
  const trim = (kept: readonly number[]) => trimBlocksReference(kept, starts);
  const want = shareRowsReference(heads, { first, last, trim });
  const total = want.flat().length;
  assert(total <= 105 && total > 105 - block, `${total} of 105 rows`);
  assert(new Set(want.map((rows) => rows.length)).size > 1, "heads keep alike");
  want.forEach((rows, h) => {
    const got = [...buffers.kept.subarray(h * nRows, h * nRows + buffers.kept_counts[2 * h + 1]!)];
    assertEquals(got, rows, `head ${h}`);
  });
});
