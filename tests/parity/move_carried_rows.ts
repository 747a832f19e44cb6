/**
 * Row moves that take along what rows carry, their positions and running sums: values that become whole or close up,
 * and rows in an order of their own.
 */

import { assertEquals } from "@std/assert";
import { randomFrom, runNamed } from "../_kernel.ts";
import { AT, readPosition, readRow, readSum, writeCache } from "../_kv_cache.ts";
import type { HeadRows } from "../_kv_cache.ts";

const HEAD_DIM = 64;
const every = Array.from({ length: HEAD_DIM }, (_, c) => c);
const some = (step: number) => every.filter((c) => c % step === 1);

/** What values carry: nothing, their positions, running sums beside these; and what moves are called then. */
const CARRIED = [["", ""], ["_evicted", "_positions"], ["_evicted_summed", "_positions_sums"]];

Deno.test("values that lost channels become whole ones with zeros, and carry positions and sums", async () => {
  for (const [suffix, carried] of CARRIED) {
    const [nKvHeads, nListed] = [3, 140];
    const random = randomFrom(7);
    const heads = Array.from({ length: nKvHeads }, (_, i): HeadRows => {
      const rows = Array.from(
        { length: 300 },
        () => Float32Array.from({ length: HEAD_DIM }, () => Math.f16round(random())),
      );
      const channels = [some(2), [63], every][i]!;
      return { keys: rows, values: rows, nListed, channels };
    });
    const layout = `k_f16t16_v_list_f16t1_f16t1${suffix}`;
    const cache = writeCache(layout, heads, { headDim: HEAD_DIM });
    const { pages, channels, arena: before } = cache.buffers;
    const entries = cache.constants["page_entries"]!;
    const own = (AT.slot * AT.nLayers + AT.layer) * nKvHeads * entries;
    const moves = [[0, 0, 140], [3, 15, 31], [1, 120, 0]] as const;
    const { arena } = await runNamed(
      `move_rows__list_f16t1__f16t1${carried}`,
      {
        defines: { HEAD_DIM },
        buffers: {
          ...{ src_pages: pages.slice(own, own + nKvHeads * entries), dst_pages: pages },
          ...{ channels, arena: before },
          moves: Uint32Array.from([
            ...Array(AT.layer * nKvHeads * 4).fill(0),
            ...moves.flatMap((move, i) => [...move, heads[i]!.channels.length]),
          ]),
        },
        constants: {
          ...{ slot: AT.slot, layer: AT.layer, n_layers: AT.nLayers, n_kv_heads: nKvHeads },
          ...{ page_entries: entries, max_rows: 140 },
          ...{ src_page: cache.firstPages[1]!, dst_page: cache.firstPages[2]! },
        },
      },
    );
    heads.forEach(({ values, channels }, kvHead) => {
      const [from, to, n] = moves[kvHead]!;
      for (let row = 0; row < 300 - nListed; row++) {
        const at = { arena: arena!, nKvHeads, kvHead, index: 2, row, width: HEAD_DIM };
        const moved = row >= to && row < to + n ? from + row - to : null;
        const source = values[moved ?? nListed + row]!;
        const want = Array.from(source, (x, c) => moved === null || channels.includes(c) ? x : 0);
        assertEquals(readRow(cache, at), want, `head ${kvHead}, row ${row}`);
        const { rowPositions, rowSums } = cache.layout;
        if (rowPositions) assertEquals(readPosition(cache, at), moved ?? nListed + row);
        if (rowSums) assertEquals(readSum(cache, at), (moved ?? nListed + row) / 8);
      }
    });
  }
});

Deno.test("values close up behind those that are coded, and carry positions and sums", async () => {
  for (const [suffix, carried] of CARRIED) {
    const layout = `k_f16t16_f16t16_v_q4c32t1_f16t1${suffix}`;
    const random = randomFrom(3);
    const moved = [40, 0, 129];
    const heads = moved.map((n): HeadRows => {
      const rows = Array.from(
        { length: n + 200 },
        () => Float32Array.from({ length: HEAD_DIM }, () => Math.f16round(random())),
      );
      return { keys: rows, values: rows, nListed: 0, channels: [] };
    });
    // The first keys' segment holds no row: its pages are where the values go.
    const cache = writeCache(layout, heads, { headDim: HEAD_DIM, spare: 1 });
    const entries = cache.constants["page_entries"]!;
    const [nKvHeads, index] = [moved.length, 3];
    const own = (AT.slot * AT.nLayers + AT.layer) * nKvHeads * entries;
    const pages = cache.buffers.pages;
    const after = Uint32Array.from(pages);
    for (let head = 0; head < nKvHeads; head++) {
      const at = own + head * entries;
      const perSegment = entries / 4;
      for (let p = 0; p < perSegment; p++) {
        after[at + 3 * perSegment + p] = pages[at + p]!;
      }
    }
    const name = `move_rows__f16t1__f16t1${carried}`;
    const { arena } = await runNamed(name, {
      defines: { HEAD_DIM },
      buffers: {
        src_pages: pages.slice(own, own + nKvHeads * entries),
        dst_pages: after,
        moves: Uint32Array.from([
          ...Array(AT.layer * nKvHeads * 4).fill(0),
          ...moved.flatMap((n) => [n, 0, 200, HEAD_DIM]),
        ]),
        arena: cache.buffers.arena,
      },
      constants: {
        ...{ slot: AT.slot, layer: AT.layer, n_layers: AT.nLayers, n_kv_heads: nKvHeads },
        page_entries: entries,
        ...{
          src_page: cache.firstPages[index]!,
          dst_page: cache.firstPages[index]!,
          max_rows: 200,
        },
      },
    });
    const moving = { ...cache, buffers: { ...cache.buffers, pages: after } };
    heads.forEach(({ values }, kvHead) =>
      values.slice(moved[kvHead]!).forEach((row, i) => {
        const at = { arena: arena!, nKvHeads, kvHead, index, row: i, width: HEAD_DIM };
        assertEquals(readRow(moving, at), Array.from(row), `head ${kvHead}, row ${i}`);
        const { rowPositions, rowSums } = cache.layout;
        if (rowPositions) assertEquals(readPosition(moving, at), moved[kvHead]! + i);
        if (rowSums) assertEquals(readSum(moving, at), (moved[kvHead]! + i) / 8);
      })
    );
  }
});

Deno.test("rows move in an order of their own, with what they carry", async () => {
  for (
    const [name, layout, index] of [
      ["f16t16__f16t16", "k_f16t16_f16t16_v_f16t1", 0],
      ["f16t1__f16t1", "k_f16t16_v_f16t1_f16t1", 1],
      ["f16t1__f16t1_positions", "k_f16t16_v_f16t1_f16t1_evicted", 1],
      ["f16t1__f16t1_positions_sums", "k_f16t16_v_f16t1_f16t1_evicted_summed", 1],
    ] as const
  ) {
    const random = randomFrom(9);
    const counts = [200, 1, 33];
    const heads = counts.map((n): HeadRows => {
      const rows = Array.from(
        { length: n },
        () => Float32Array.from({ length: HEAD_DIM }, () => Math.f16round(random())),
      );
      return { keys: rows, values: rows, nListed: 0, channels: [] };
    });
    const cache = writeCache(layout, heads, { headDim: HEAD_DIM, spare: 2 });
    const nKvHeads = counts.length;
    const entries = cache.constants["page_entries"]!;
    const own = (AT.slot * AT.nLayers + AT.layer) * nKvHeads * entries;
    const { pages, arena: before } = cache.buffers;
    // Every seventh row, then those behind them: 7 divides none of the counts.
    const orders = counts.map((n) => Array.from({ length: n }, (_, i) => 7 * i % n));
    const order = new Uint32Array(nKvHeads * 200);
    orders.forEach((rows, i) => order.set(rows, i * 200));
    const { arena } = await runNamed(`move_ordered_rows__${name}`, {
      defines: { HEAD_DIM },
      buffers: {
        src_pages: pages.slice(own, own + nKvHeads * entries),
        ...{ dst_pages: pages, order, arena: before },
        moves: Uint32Array.from([
          ...Array(AT.layer * nKvHeads * 4).fill(0),
          ...counts.flatMap((n) => [0, 0, n, HEAD_DIM]),
        ]),
      },
      constants: {
        ...{ slot: AT.slot, layer: AT.layer, n_layers: AT.nLayers, n_kv_heads: nKvHeads },
        ...{ page_entries: entries, max_rows: 200 },
        ...{ src_page: cache.firstPages[index + 1]!, dst_page: cache.firstPages[index]! },
      },
    });
    orders.forEach((rows, kvHead) =>
      rows.forEach((from, row) => {
        const at = { arena: arena!, nKvHeads, kvHead, index, row, width: HEAD_DIM };
        assertEquals(readRow(cache, at), Array.from(heads[kvHead]!.values[from]!), `row ${row}`);
        if (cache.layout.rowPositions && index > 0) assertEquals(readPosition(cache, at), from);
        if (cache.layout.rowSums) assertEquals(readSum(cache, at), from / 8);
      })
    );
  }
});
