/** Scores of rows as C against plain loops: candidates meet their neighbours, then heads meet. */

import { testIsas } from "../../src/device/testing.ts";
import type { Isa } from "../../src/device/testing.ts";
import { meetScoresReference } from "../../src/reference/mod.ts";
import type { Meeting } from "../../src/reference/mod.ts";
import { assertClose } from "../_close.ts";
import { cutsOf, LAYER } from "../_cuts.ts";
import { randomFrom, runNamed } from "../_kernel.ts";

const isas = await testIsas();

interface PoolCase extends Meeting {
  readonly rows: readonly number[];
  readonly group_size: number;
  readonly isa?: Isa;
}

async function checkPool(given: PoolCase, scope: "head" | "layer"): Promise<void> {
  const { rows, group_size: group, pool, first, last } = given;
  const maxRows = Math.max(...rows);
  const nHeads = rows.length * group;
  const random = randomFrom(maxRows + nHeads);
  const heads = Array.from(
    { length: nHeads },
    (_, head) => Float32Array.from({ length: rows[Math.floor(head / group)]! }, random),
  );
  const row_scores = new Float32Array(nHeads * maxRows).fill(NaN);
  heads.forEach((scores, head) => row_scores.set(scores, head * maxRows));
  const { token_scores } = await runNamed("pool_scores", {
    ...(given.isa ? { isa: given.isa } : {}),
    buffers: {
      row_scores,
      cuts: cutsOf(rows.map((n) => [0, n, n])),
      token_scores: new Float32Array(rows.length * maxRows),
    },
    constants: {
      layer: LAYER,
      n_kv_heads: rows.length,
      n_sources: scope === "layer" ? nHeads : group,
      source_step: scope === "layer" ? 0 : group,
      takes_max: given.group === "max" ? 1 : 0,
      pools_max: pool?.kind === "mean" ? 0 : 1,
      pool_width: pool?.width ?? 1,
      protect_first: first,
      protect_last: last,
      max_rows: maxRows,
    },
  });
  rows.forEach((n, kvHead) => {
    if (n <= first + last) return;
    const own = scope === "layer" ? heads : heads.slice(kvHead * group, (kvHead + 1) * group);
    const want = meetScoresReference(own, given);
    const got = token_scores!.subarray(kvHead * maxRows, kvHead * maxRows + n);
    // A sum of at most width · heads numbers below 1, one rounding each.
    const bound = 2 ** -24 * (own.length + 2) * ((pool?.width ?? 1) + 2);
    assertClose(got, want, { bound, label: `${JSON.stringify(given)}, KV head ${kvHead}` });
  });
}

Deno.test("pool_scores: candidates meet their neighbours, then heads meet", async () => {
  for (const n of [1, 31, 33, 127, 300, 600]) {
    for (const group of ["mean", "max"] as const) {
      for (const pool of [null, { kind: "max", width: 7 }, { kind: "mean", width: 5 }] as const) {
        const common = { group, pool, rows: [n, Math.ceil(n / 2)] };
        await checkPool({ ...common, group_size: 3, first: 0, last: 0 }, "head");
        await checkPool({ ...common, group_size: 1, first: 4, last: 32 }, "head");
        await checkPool({ ...common, rows: [n, n], group_size: 4, first: 1, last: 1 }, "layer");
      }
    }
  }
  const wide = { group: "mean", pool: { kind: "max", width: 255 }, first: 0, last: 3 } as const;
  for (const isa of isas) await checkPool({ ...wide, rows: [40], group_size: 8, isa }, "head");
});
