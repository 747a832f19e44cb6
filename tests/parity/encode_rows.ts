/**
 * Coding of rows as C against codes by their definition, bit for bit: keys along rows and values along
 * channels, gathered channels, short groups, constant groups, outliers, positions that move along. Bytes
 * that hold nothing stay as they were.
 */

import { assertEquals } from "@std/assert";
import { testIsas } from "../../src/device/testing.ts";
import type { Isa } from "../../src/device/testing.ts";
import { moveName, parseSegmentName, storedBytes } from "../../src/layout/mod.ts";
import { codeRowsReference, decoded } from "../../src/reference/mod.ts";
import { randomFrom, runNamed } from "../_kernel.ts";
import { AT, readPosition, readRow, segmentsOf, writeCache } from "../_kv_cache.ts";
import type { HeadRows } from "../_kv_cache.ts";

interface Case {
  readonly stream: "key" | "value";
  /** What the rows become: `q4r32t16`, `list_q2r32t16`, `q2c32t1`. */
  readonly to: string;
  readonly type?: "f16" | "f32";
  readonly headDim?: number;
  /** Rows of each KV head that are coded, behind `coded` that are already. */
  readonly rows: readonly number[];
  readonly coded?: number;
  readonly channels?: readonly number[];
  readonly positions?: boolean;
  readonly isa?: Isa;
}

/** Rows with an outlier, a channel and a row that are constant, and one of tiny differences. */
function rowsOf(n: number, headDim: number, random: () => number): Float32Array[] {
  return Array.from({ length: n }, (_, r) =>
    Float32Array.from({ length: headDim }, (_, c) => {
      if (c === 3 || r === 5) return -2.5;
      if (c === 7) return Math.f16round(1 + (r % 2) * 2 ** -10);
      return Math.f16round((c === 1 ? 3000 : 1) * (random() - (c === 2 ? 4 : 0)));
    }));
}

async function check(given: Case): Promise<void> {
  const { stream, type = "f16", headDim = 64, coded = 0, isa } = given;
  const isKey = stream === "key";
  const to = parseSegmentName(given.to);
  const { code } = to;
  if (code.kind !== "affine") throw new TypeError("a case codes");
  const listed = to.channels === "list";
  const channels = given.channels ?? Array.from({ length: headDim }, (_, c) => c);
  const evicted = given.positions ? "_evicted" : "";
  const name = isKey
    ? `k_${given.to}_${type}t16_v_${type}t1`
    : `k_${type}t16_v_${given.to}_${type}t1`;
  const random = randomFrom(headDim + given.rows[0]!);
  const longest = Math.max(...given.rows) + coded;
  const nKvHeads = given.rows.length;
  const heads = given.rows.map((n): HeadRows => {
    const all = rowsOf(coded + n, headDim, random);
    const positions = all.map((_, i) => 3 * i + 1);
    return { keys: all, values: all, nListed: coded, nCoded: coded, channels, positions };
  });
  const cache = writeCache(name + evicted, heads, { headDim, spare: Math.ceil(longest / 128) + 1 });
  const first = isKey ? 0 : 1;
  const { arena: before, pages } = cache.buffers;
  const entries = cache.constants["page_entries"]!;
  const firstHead = (AT.slot * AT.nLayers + AT.layer) * nKvHeads;
  const move = { from: segmentsOf(cache.layout)[first + 1]!, to, positions: evicted !== "" };
  const { arena } = await runNamed(`encode_rows__${moveName(move)}`, {
    ...(isa ? { isa } : {}),
    defines: { HEAD_DIM: headDim },
    buffers: {
      src_pages: pages.slice(firstHead * entries, (firstHead + nKvHeads) * entries),
      dst_pages: pages,
      ...(listed ? { channels: cache.buffers.channels } : {}),
      moves: Uint32Array.from([
        ...Array(AT.layer * nKvHeads * 4).fill(0),
        ...given.rows.flatMap((n) => [0, coded, n, channels.length]),
      ]),
      arena: before,
    },
    constants: {
      ...{ slot: AT.slot, layer: AT.layer, n_layers: AT.nLayers, n_kv_heads: nKvHeads },
      page_entries: entries,
      src_page: cache.firstPages[first + 1]!,
      dst_page: cache.firstPages[first]!,
      max_rows: Math.max(...given.rows),
    },
  });
  let written = 0;
  given.rows.forEach((n, kvHead) => {
    const gathered = heads[kvHead]!.keys.map((row) => channels.map((c) => row[c]!));
    const groups = [gathered.slice(0, coded), gathered.slice(coded)];
    const want = groups.flatMap((rows) => codeRowsReference(rows, code)).map((r) => r.map(decoded));
    want.forEach((row, at) => {
      const place = { nKvHeads, kvHead, index: first, row: at, width: channels.length };
      const got = readRow(cache, { ...place, arena: arena! });
      assertEquals(got, row, `${given.to}, head ${kvHead}, row ${at}`);
      if (!move.positions) return;
      const position = readPosition(cache, { ...place, arena: arena! });
      assertEquals(position, heads[kvHead]!.positions![at]);
    });
    const size = { rows: n, width: channels.length };
    const stream = { segments: [{ ...to, channels: "all" as const }] };
    written += storedBytes(stream, [size], headDim) + (evicted ? 4 * n : 0);
  });
  const changed = arena!.filter((byte, i) => byte !== before[i]).length;
  // A written byte may happen to be what it was; many more than were stored would be stray ones.
  if (changed > written) throw new Error(`${changed} bytes changed, ${written} are stored`);
}

Deno.test("keys are coded along rows, of all channels and of those kept", async () => {
  for (const bits of [2, 4, 8]) {
    await check({ stream: "key", to: `q${bits}r32t16`, rows: [128, 32, 0] });
    const channels = Array.from({ length: 64 }, (_, c) => c).filter((c) => c % 5 !== 2);
    await check({ stream: "key", to: `list_q${bits}r32t16`, rows: [96, 32], coded: 64, channels });
  }
  await check({ stream: "key", to: "q4r16t16", rows: [48], coded: 112 });
  await check({ stream: "key", to: "q4r64t16", rows: [64] });
  await check({ stream: "key", to: "q2r128t16", rows: [256], headDim: 48 });
  await check({ stream: "key", to: "list_q4r64t16", rows: [192], channels: [63], type: "f32" });
});

Deno.test("values are coded along channels, with a short last group, at any row", async () => {
  for (const bits of [2, 4, 8]) {
    await check({ stream: "value", to: `q${bits}c32t1`, rows: [128, 31, 0], coded: 5 });
    await check({ stream: "value", to: `q${bits}c32t1`, rows: [33], headDim: 80 });
  }
  await check({ stream: "value", to: "q2c64t1", rows: [127], headDim: 128, type: "f32" });
  await check({ stream: "value", to: "q4c64t1", rows: [33] });
  await check({ stream: "value", to: "q4c128t1", rows: [40] });
});

Deno.test("positions move along", async () => {
  const given = { stream: "value", to: "q4c32t1", rows: [130, 7], positions: true } as const;
  await check(given);
  await check({ ...given, coded: 100 });
});

Deno.test("every instruction set codes alike", async () => {
  for (const isa of await testIsas()) {
    await check({ stream: "key", to: "q4r32t16", rows: [64], isa });
    await check({ stream: "value", to: "q4c32t1", rows: [20], isa });
  }
});
