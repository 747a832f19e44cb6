/** Row moves as C against plain rows: whole and gathered, unaligned starts, heads of different sizes. */

import { assertEquals } from "@std/assert";
import { testIsas } from "../../src/device/testing.ts";
import type { Isa } from "../../src/device/testing.ts";
import { moveRowsReference } from "../../src/reference/mod.ts";
import { randomFrom, runNamed } from "../_kernel.ts";
import { AT, readRow, writeCache } from "../_kv_cache.ts";
import type { HeadRows, WrittenCache } from "../_kv_cache.ts";

const HEAD_DIM = 64;

interface Move {
  readonly firstSource: number;
  readonly firstDestination: number;
  readonly rows: number;
}

/**
 * Moves rows of dense keys into the first segment of keys of another cache and reads that back. Source and
 * destination lie in one arena, the destination's pages behind the source's.
 */
async function check(
  names: { readonly source: string; readonly destination: string },
  moves: readonly Move[],
  options: { readonly channels: readonly (readonly number[])[]; readonly isa?: Isa },
): Promise<void> {
  const { channels, isa } = options;
  const listed = names.destination.startsWith("k_list");
  const index = 0;
  const random = randomFrom(moves[0]!.rows);
  const rows = (n: number): Float32Array[] =>
    Array.from(
      { length: n },
      () => Float32Array.from({ length: HEAD_DIM }, () => Math.f16round(100 * random())),
    );
  const nKvHeads = moves.length;
  const longest = Math.max(...moves.map((m) => m.firstSource + m.rows));
  const from = Array.from({ length: nKvHeads }, (): HeadRows => {
    const keys = rows(longest);
    return { keys, values: keys, nListed: 0, channels: [] };
  });
  const before = Math.max(...moves.map((m) => m.firstDestination + m.rows));
  const to = channels.map((list): HeadRows => {
    const keys = rows(before + 3);
    return { keys, values: keys, nListed: listed ? before + 3 : 0, channels: list };
  });
  const source = writeCache(names.source, from, { headDim: HEAD_DIM });
  const destination = writeCache(names.destination, to, { headDim: HEAD_DIM });
  const entries = Math.max(
    source.constants["page_entries"]!,
    destination.constants["page_entries"]!,
  );
  const padded = (cache: WrittenCache, shift: number) => {
    const own = cache.constants["page_entries"]!;
    const table = new Uint32Array(cache.buffers.pages.length / own * entries);
    cache.buffers.pages.forEach((unit, i) => {
      table[Math.floor(i / own) * entries + i % own] = unit + shift;
    });
    return table;
  };
  const shift = source.buffers.arena.length / 64;
  const arena = new Uint8Array(source.buffers.arena.length + destination.buffers.arena.length);
  arena.set(source.buffers.arena);
  arena.set(destination.buffers.arena, shift * 64);
  const sourcePages = padded(source, 0);
  const firstHead = (AT.slot * AT.nLayers + AT.layer) * nKvHeads;
  const segmentNames = [
    names.source.split("_")[1]!,
    listed ? `list_${names.source.split("_")[1]}` : names.source.split("_")[1]!,
  ];
  const written = await runNamed(`move_rows__${segmentNames.join("__")}`, {
    ...(isa ? { isa } : {}),
    defines: { HEAD_DIM },
    buffers: {
      src_pages: sourcePages.slice(firstHead * entries, (firstHead + nKvHeads) * entries),
      dst_pages: padded(destination, shift),
      ...(listed ? { channels: destination.buffers.channels } : {}),
      moves: Uint32Array.from([
        ...Array(AT.layer * nKvHeads * 4).fill(0),
        ...moves.flatMap((m, h) => [
          m.firstSource,
          m.firstDestination,
          m.rows,
          listed ? channels[h]!.length : HEAD_DIM,
        ]),
      ]),
      arena,
    },
    constants: {
      slot: AT.slot,
      layer: AT.layer,
      n_layers: AT.nLayers,
      n_kv_heads: nKvHeads,
      page_entries: entries,
      src_page: source.firstPages[0]!,
      dst_page: destination.firstPages[index]!,
      max_rows: Math.max(...moves.map((m) => m.rows)),
    },
  });
  const after = written.arena!.slice(shift * 64);
  assertEquals(written.arena!.slice(0, shift * 64), source.buffers.arena, "the source stays");
  moves.forEach((move, kvHead) => {
    const kept = listed ? channels[kvHead]! : undefined;
    const width = kept?.length ?? HEAD_DIM;
    const stored = to[kvHead]!.keys.map((row) => kept ? kept.map((c) => row[c]!) : row);
    const want = moveRowsReference(from[kvHead]!.keys, stored, {
      ...move,
      ...(kept ? { channels: kept } : {}),
    });
    want.forEach((row, at) => {
      const got = readRow(destination, { arena: after, nKvHeads, kvHead, index, row: at, width });
      assertEquals(got, Array.from(row), `head ${kvHead}, row ${at}`);
    });
  });
}

const every = Array.from({ length: HEAD_DIM }, (_, c) => c);
const some = (step: number) => every.filter((c) => c % step === 1);

Deno.test("rows lose channels on their way into a list segment, each head its own", async () => {
  const names = { source: "k_f16t16_v_f16t1", destination: "k_list_f16t16_f16t16_v_f16t1" };
  const moves = [
    { firstSource: 0, firstDestination: 0, rows: 257 },
    { firstSource: 3, firstDestination: 0, rows: 31 },
    { firstSource: 0, firstDestination: 16, rows: 1 },
  ];
  await check(names, moves, { channels: [some(2), some(5), [63]] });
  const unaligned = [{ firstSource: 5, firstDestination: 9, rows: 40 }];
  await check(names, unaligned, { channels: [every] });
  for (const isa of await testIsas()) await check(names, unaligned, { channels: [some(3)], isa });
  const rows = { source: "k_f16t1_v_f16t1", destination: "k_list_f16t1_f16t1_v_f16t1" };
  await check(rows, moves, { channels: [some(2), some(5), [63]] });
});

Deno.test("rows that stay whole move to the front of a full segment", async () => {
  const names = { source: "k_f16t16_v_f16t1", destination: "k_f16t16_v_f16t1" };
  const moves = [
    { firstSource: 225, firstDestination: 0, rows: 32 },
    { firstSource: 100, firstDestination: 7, rows: 33 },
    { firstSource: 0, firstDestination: 0, rows: 0 },
  ];
  await check(names, moves, { channels: [every, every, every] });
});

Deno.test("f32 rows move as they are", async () => {
  const names = { source: "k_f32t16_v_f32t1", destination: "k_list_f32t16_f32t16_v_f32t1" };
  const moves = [{ firstSource: 17, firstDestination: 0, rows: 130 }];
  await check(names, moves, { channels: [some(3)] });
});
