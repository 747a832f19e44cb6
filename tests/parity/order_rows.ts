/** The order of rows in classes as C against a plain loop. */

import { assertEquals } from "@std/assert";
import { testIsas } from "../../src/device/testing.ts";
import { orderRowsReference } from "../../src/reference/mod.ts";
import { cutsOf, LAYER, N_LAYERS } from "../_cuts.ts";
import { randomFrom, runNamed } from "../_kernel.ts";

const isas = await testIsas();

Deno.test("order_rows: the chosen rows, then the others", async () => {
  const random = randomFrom(12);
  const maxRows = 300;
  const counts = [[0, 0], [1, 0], [31, 31], [33, 1], [127, 60], [300, 128]] as const;
  const heads = counts.map(([n, nChosen]) => {
    const rows = Array.from({ length: n }, (_, row) => ({ row, key: random() }))
      .sort((a, b) => a.key - b.key).slice(0, nChosen).map(({ row }) => row);
    return rows.sort((a, b) => a - b);
  });
  await checkOrder(heads, counts, { first: 0, maxRows });
  // The first rows were chosen whatever their score: they are in neither class.
  const first = [0, 1, 2, 3, 4];
  const behind = heads.map((rows) => [...first, ...rows.filter((row) => row > 4)]);
  await checkOrder(
    behind.map((rows, h) => counts[h]![0] > 5 ? rows : []),
    counts.map(([n], h) => [n > 5 ? n : 0, behind[h]!.length] as const),
    { first: 5, maxRows },
  );
});

/** Runs order_rows where `heads` were chosen, the `first` of each protected. */
async function checkOrder(
  heads: readonly number[][],
  counts: readonly (readonly [rows: number, chosen: number])[],
  { first, maxRows }: { readonly first: number; readonly maxRows: number },
): Promise<void> {
  const kept = new Uint32Array(heads.length * maxRows).fill(7);
  heads.forEach((rows, h) => kept.set(rows, h * maxRows));
  const kept_counts = new Uint32Array(N_LAYERS * heads.length * 2);
  kept_counts.set(heads.flatMap((rows) => [0, rows.length]), LAYER * heads.length * 2);
  for (const isa of isas) {
    const { order } = await runNamed("order_rows", {
      isa,
      buffers: {
        kept,
        kept_counts,
        cuts: cutsOf(counts.map(([n, nChosen]) => [0, n, nChosen] as const)),
        order: new Uint32Array(heads.length * maxRows).fill(99),
      },
      constants: {
        ...{ layer: LAYER, n_kv_heads: heads.length, max_rows: maxRows },
        protect_first: first,
      },
    });
    heads.forEach((rows, h) => {
      const n = Math.max(0, counts[h]![0] - first);
      const chosen = rows.slice(first).map((row) => row - first);
      const own = [...order!.subarray(h * maxRows, (h + 1) * maxRows)];
      assertEquals(own.slice(0, n), orderRowsReference(chosen, n).map((row) => row + first));
      assertEquals(own.slice(n), Array(maxRows - n).fill(99), "places that no row takes");
    });
  }
}
