/** Rows that move between segments, held to the CPU's arena: every byte of it. */

import { assertEquals } from "@std/assert";
import { gpuTest, runNamed } from "../_gpu.ts";
import { rowsOf } from "../_head_rows.ts";
import { runNamed as runOnCpu } from "../_kernel.ts";
import { AT, writeCache } from "../_kv_cache.ts";

interface Move {
  readonly source: number;
  readonly destination: number;
  readonly rows: number;
  readonly width: number;
}

/**
 * A run that moves rows from a stream's last segment to its first, or back from one with a list, one move per
 * KV head: of keys, or of values where the pages begin with positions, and with sums.
 */
function moveRun(
  name: string,
  moves: readonly Move[],
  { headDim, ordered }: { readonly headDim: number; readonly ordered: boolean },
) {
  const [pair, sides] = name.split("_positions");
  const [from, to] = pair!.split("__");
  const ofValues = sides !== undefined;
  const expands = from!.startsWith("list");
  const segments = (expands ? [from, to] : [to, from]).join("_");
  const layout = ofValues
    ? `k_f16t16_v_${segments}_evicted${sides === "" ? "" : "_summed"}`
    : `k_${segments}_v_f16t1`;
  const listed = segments.startsWith("list");
  const heads = moves.map(({ width }, i) => ({
    ...rowsOf(300, { headDim, seed: i, listed: 100 }),
    channels: Array.from({ length: width }, (_, c) => c === width - 1 ? headDim - 1 : c),
  }));
  const cache = writeCache(layout, heads, { headDim, spare: 2 });
  const { pages, channels, arena } = cache.buffers;
  const entries = cache.constants["page_entries"]!;
  const own = (AT.slot * AT.nLayers + AT.layer) * moves.length;
  const table = new Uint32Array(AT.nLayers * moves.length * 4);
  moves.forEach((m, i) =>
    table.set(
      [m.source, m.destination, m.rows, m.width],
      (AT.layer * moves.length + i) * 4,
    )
  );
  const longest = Math.max(...moves.map((m) => m.source + m.rows));
  // Every seventh row, then those behind them.
  const order = Uint32Array.from(
    moves.flatMap(() => Array.from({ length: longest }, (_, i) => 7 * i % longest)),
  );
  return {
    buffers: {
      src_pages: pages.slice(own * entries),
      dst_pages: pages,
      ...(ordered ? { order } : {}),
      ...(listed ? { channels } : {}),
      moves: table,
      arena,
    },
    defines: { HEAD_DIM: headDim },
    constants: {
      ...cache.constants,
      ...{ slot: AT.slot, n_kv_heads: moves.length },
      src_page: cache.firstPages[(ofValues ? 1 : 0) + (expands ? 0 : 1)]!,
      dst_page: cache.firstPages[(ofValues ? 1 : 0) + (expands ? 1 : 0)]!,
      max_rows: ordered ? longest : Math.max(...moves.map((m) => m.rows)),
    },
  };
}

/** Moves of one list per KV head: every byte of the arena. */
export async function assertMoved(
  pair: string,
  at: { source: number; destination: number; rows: number },
  { headDim = 32, ordered = false }: { readonly headDim?: number; readonly ordered?: boolean } = {},
): Promise<void> {
  const width = (listed: number) => pair.includes("list") ? listed : headDim;
  const moves = [
    { ...at, width: width(13) },
    { ...at, rows: 0, width: width(1) },
    { ...at, source: 2, width: width(headDim) },
  ];
  const run = moveRun(pair, moves, { headDim, ordered });
  const name = `move_${ordered ? "ordered_" : ""}rows__${pair}`;
  const want = await runOnCpu(name, run);
  const got = await runNamed(name, run);
  assertEquals(got.arena, want.arena, `${at.rows} rows from ${at.source} to ${at.destination}`);
}

for (
  const pair of [
    "f16t16__list_f16t16",
    "f16t16__f16t16",
    "f32t16__list_f32t16",
    "f16t1__list_f16t1",
    "list_f16t16__f16t16",
    "list_f16t1__f16t1",
    "list_f32t1__f32t1",
  ]
) {
  gpuTest(`move_rows ${pair} gives the CPU's arena`, async () => {
    for (const [source, destination, rows] of [[0, 0, 1], [3, 5, 20], [16, 121, 79], [1, 15, 2]]) {
      await assertMoved(pair, { source: source!, destination: destination!, rows: rows! });
    }
  });
}

gpuTest("rows move in an order of their own, with what they carry", async () => {
  const at = { source: 3, destination: 0, rows: 150 };
  for (const pair of ["f16t16__f16t16", "f16t1__f16t1"]) {
    await assertMoved(pair, at, { ordered: true });
  }
  for (const sides of ["_positions", "_positions_sums"]) {
    await assertMoved(`f16t1__f16t1${sides}`, at, { ordered: true });
  }
});
