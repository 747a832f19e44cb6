/**
 * The choice of rows that stay, their order and their move on a GPU: equal to the same kernels' on the CPU, which are
 * held to their references in tests/parity/.
 */

import { assertEquals } from "@std/assert";
import type { TypedArray } from "../../src/device/run_kernel.ts";
import { assertClose } from "../_close.ts";
import { gpu, gpuTest } from "../_gpu.ts";
import { GROUP, N_HEADS, N_KV_HEADS, SEEDS } from "../_head_rows.ts";
import { randomFrom } from "../_kernel.ts";
import { AT } from "../_kv_cache.ts";
import { both, EVICTED, pool } from "../_gpu_eviction.ts";
import type { Shape } from "../_gpu_eviction.ts";

const CACHED = "k_f16t16_v_f16t1_cached_evicted";
const LISTED = "k_list_f16t16_f16t16_v_f16t1_evicted";

/** The order of rows in classes: chosen ones, then the others. */
export async function assertOrdered(rows: number): Promise<void> {
  for (const first of [0, 3]) await assertOrderedBehind(first, rows);
}

async function assertOrderedBehind(first: number, rows: number): Promise<void> {
  const chosen = SEEDS.map((seed) =>
    Array.from({ length: rows }, (_, i) => i).filter((i) => i < first || i % 5 < seed)
  );
  const perLayer = AT.layer * N_KV_HEADS;
  const counts = (own: readonly number[][]) =>
    Uint32Array.from([...Array(own[0]!.length * perLayer).fill(9), ...own.flat()]);
  const { got, want } = await both("order_rows", {
    buffers: {
      kept: Uint32Array.from(
        chosen.flatMap((own) => [...own, ...Array(rows - own.length).fill(7)]),
      ),
      kept_counts: counts(chosen.map((own) => [0, own.length])),
      cuts: counts(SEEDS.map((seed) => [0, rows - seed + 1, 0, 0])),
      order: new Uint32Array(N_KV_HEADS * rows).fill(99),
    },
    constants: {
      ...{ layer: AT.layer, n_kv_heads: N_KV_HEADS },
      ...{ protect_first: first, max_rows: rows },
    },
    defines: {},
  });
  assertEquals(got["order"], want["order"], `${rows} rows, ${first} whole`);
}

/** Pooling and the choice of rows; scores repeat, and one is no number. */
export async function assertChosen(rows: number): Promise<void> {
  const random = randomFrom(rows);
  const scores = Float32Array.from(
    { length: N_HEADS * rows },
    () => Math.round(64 * random()) / 64,
  );
  const cuts = Uint32Array.from([
    ...Array(4 * AT.layer * N_KV_HEADS).fill(9999),
    ...SEEDS.flatMap((seed) => [5, rows - seed + 1, Math.min(rows, 9 + seed * (rows >> 2)), 0]),
  ]);
  const constants = { layer: AT.layer, n_kv_heads: N_KV_HEADS, max_rows: rows };
  const spans = { protect_first: 2, protect_last: 3 };
  for (const [takes_max, pools_max, pool_width] of [[0, 1, 7], [1, 0, 5], [0, 1, 1]] as const) {
    const pooled = await both("pool_scores", {
      buffers: { row_scores: scores, cuts, token_scores: new Float32Array(N_KV_HEADS * rows) },
      constants: {
        ...{ ...constants, ...spans, n_sources: GROUP, source_step: GROUP },
        ...{ takes_max, pools_max, pool_width },
      },
      defines: {},
    });
    const want = pooled.want["token_scores"]!;
    // Sums of small multiples of 1/64 are exact; each quotient may be off by two units.
    assertClose(pooled.got["token_scores"]!, want, { bound: 2 ** -21, label: `${rows} rows` });
    const edges = Float32Array.from(want, (x, i) => i % 11 === 3 ? NaN : i % 13 === 5 ? -0 : x);
    for (const shares of [0, 1]) {
      const buffers = {
        ...{ token_scores: edges, cuts, kept: new Uint32Array(N_KV_HEADS * rows).fill(99) },
        kept_counts: new Uint32Array(2 * AT.nLayers * N_KV_HEADS).fill(99),
      };
      const all = { ...constants, ...spans, shares };
      const chosen = await both("select_rows", { buffers, constants: all, defines: {} });
      const { kept, kept_counts } = chosen.want;
      assertEquals(chosen.got["kept_counts"], kept_counts, `${rows} rows, shares ${shares}`);
      assertEquals(chosen.got["kept"], kept, `${rows} rows, shares ${shares}`);
      const raised = await both("raise_rows", {
        buffers: { kept, kept_counts, token_scores: want } as Record<string, TypedArray>,
        constants,
        defines: {},
      });
      assertEquals(raised.got["token_scores"], raised.want["token_scores"], `${rows} rows`);
    }
  }
}

/** Halves as whole numbers in their order, so that neighbours differ by one. */
const ordered = (bytes: TypedArray) =>
  Float64Array.from(
    new Uint16Array(bytes.buffer as ArrayBuffer),
    (h) => h & 0x8000 ? 0x8000 - h : h,
  );

/** The move of kept rows: every byte of the arena. */
export async function assertKept(shape: Shape): Promise<void> {
  const { layout = EVICTED } = shape;
  const from = pool(shape);
  const { got, want } = await both(`keep_rows__${layout}`, from);
  const label = JSON.stringify(shape);
  if (!layout.includes("_cached")) {
    assertEquals(got["arena"], want["arena"], label);
    return;
  }
  // WGSL may fuse a product and a sum, which moves a half by one at most.
  const bound = gpu().exact ? 0 : 1;
  assertClose(ordered(got["arena"]!), ordered(want["arena"]!), { bound, label });
}

gpuTest("eviction: the CPU's rows are chosen, ties, zeros and NaN", async () => {
  for (const rows of [12, 33, 300]) await assertChosen(rows);
});

gpuTest("eviction: kept rows move with what they carry, and nothing else", async () => {
  for (const rows of [5, 33, 150]) await assertKept({ headDim: 32, rows, window: 1 });
  await assertKept({ layout: `${EVICTED}_summed`, headDim: 32, rows: 150, window: 1 });
  await assertKept({ layout: LISTED, headDim: 48, rows: 200, listed: 137, window: 1 });
  await assertKept({ layout: CACHED, headDim: 48, rows: 150, window: 1 });
  await assertKept({ layout: "k_f32t16_v_f32t1_evicted", headDim: 16, rows: 20, window: 1 });
});
