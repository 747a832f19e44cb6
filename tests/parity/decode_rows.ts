/**
 * Decoding of rows as C against what their codes stand for, bit for bit: units in the middle, channel lists
 * whose other channels are zero, short groups, positions that move along, rows behind others. Bytes of other
 * rows stay as they were.
 */

import { assertEquals } from "@std/assert";
import { testIsas } from "../../src/device/testing.ts";
import type { Isa } from "../../src/device/testing.ts";
import { moveName, parseSegmentName } from "../../src/layout/mod.ts";
import { codeRowsReference, decoded } from "../../src/reference/mod.ts";
import { randomFrom, runNamed } from "../_kernel.ts";
import { AT, readPosition, readRow, segmentsOf, stored, writeCache } from "../_kv_cache.ts";
import type { HeadRows } from "../_kv_cache.ts";

interface Case {
  readonly stream: "key" | "value";
  /** What the rows are: `q4r32t16`, `list_q2r32t16`, `q2c32t1`. */
  readonly from: string;
  readonly type?: "f16" | "f32";
  readonly headDim?: number;
  /** Coded rows of each KV head; those from row `first` on are decoded, to row `to` and on. */
  readonly rows: readonly number[];
  readonly first?: number;
  readonly to?: number;
  readonly channels?: readonly number[];
  readonly positions?: boolean;
  readonly isa?: Isa;
}

/** Rows with an outlier, a channel and a row that are constant. */
function rowsOf(n: number, headDim: number, random: () => number): Float32Array[] {
  return Array.from({ length: n }, (_, r) =>
    Float32Array.from({ length: headDim }, (_, c) => {
      if (c === 3 || r === 5) return -2.5;
      return Math.f16round((c === 1 ? 3000 : 1) * (random() - (c === 2 ? 4 : 0)));
    }));
}

async function check(given: Case): Promise<void> {
  const { stream, type = "f16", headDim = 64, first = 0, to = 0, isa } = given;
  const from = parseSegmentName(given.from);
  const { code } = from;
  if (code.kind !== "affine") throw new TypeError("a case decodes");
  const listed = from.channels === "list";
  const every = Array.from({ length: headDim }, (_, c) => c);
  const channels = given.channels ?? every;
  const segments = stream === "key"
    ? `k_${given.from}_${type}t16_v_${type}t1`
    : `k_${type}t16_v_${given.from}_${type}t1`;
  const name = segments + (given.positions ? "_evicted" : "");
  const random = randomFrom(headDim + given.rows[0]!);
  const nKvHeads = given.rows.length;
  const heads = given.rows.map((n): HeadRows => {
    const all = rowsOf(n + to, headDim, random);
    const positions = all.map((_, i) => 3 * i + 1);
    return { keys: all, values: all, nListed: n, nCoded: n, channels, positions };
  });
  const longest = Math.max(...given.rows) + to;
  const cache = writeCache(name, heads, { headDim, spare: Math.ceil(longest / 128) + 1 });
  const index = stream === "key" ? 0 : 1;
  const { arena: before, pages } = cache.buffers;
  const entries = cache.constants["page_entries"]!;
  const firstHead = (AT.slot * AT.nLayers + AT.layer) * nKvHeads;
  const full = segmentsOf(cache.layout)[index + 1]!;
  const move = { from, to: full, positions: given.positions ?? false };
  const { arena } = await runNamed(`decode_rows__${moveName(move)}`, {
    ...(isa ? { isa } : {}),
    defines: { HEAD_DIM: headDim },
    buffers: {
      src_pages: pages.slice(firstHead * entries, (firstHead + nKvHeads) * entries),
      dst_pages: pages,
      ...(listed ? { channels: cache.buffers.channels } : {}),
      moves: Uint32Array.from([
        ...Array(AT.layer * nKvHeads * 4).fill(0),
        ...given.rows.flatMap((n) => [first, to, Math.max(0, n - first), channels.length]),
      ]),
      arena: before,
    },
    constants: {
      ...{ slot: AT.slot, layer: AT.layer, n_layers: AT.nLayers, n_kv_heads: nKvHeads },
      page_entries: entries,
      src_page: cache.firstPages[index]!,
      dst_page: cache.firstPages[index + 1]!,
      max_rows: Math.max(...given.rows) - first,
    },
  });
  given.rows.forEach((n, kvHead) => {
    const gathered = heads[kvHead]!.keys.slice(0, n).map((row) => channels.map((c) => row[c]!));
    const read = (row: number) => {
      const at = { nKvHeads, kvHead, index: index + 1, row, width: headDim, arena: arena! };
      return { values: readRow(cache, at), position: move.positions ? readPosition(cache, at) : 0 };
    };
    codeRowsReference(gathered, code).slice(first).forEach((row, i) => {
      const want = every.map((c) => {
        const place = channels.indexOf(c);
        // The sum is rounded to f32, then to the type of whole rows.
        return place < 0 ? 0 : stored(Math.fround(decoded(row[place]!)), full);
      });
      const { values, position } = read(to + i);
      assertEquals(values, want, `${given.from}, head ${kvHead}, row ${first + i}`);
      if (move.positions) assertEquals(position, heads[kvHead]!.positions![first + i]);
    });
    for (let row = 0; row < to; row++) {
      assertEquals(read(row).values, Array.from(heads[kvHead]!.keys[n + row]!), "rows before stay");
    }
  });
}

Deno.test("coded keys become whole rows, of all channels and of a list", async () => {
  for (const bits of [2, 4, 8]) {
    await check({ stream: "key", from: `q${bits}r32t16`, rows: [128, 32, 0] });
    const channels = Array.from({ length: 64 }, (_, c) => c).filter((c) => c % 5 !== 2);
    await check({
      stream: "key",
      from: `list_q${bits}r32t16`,
      rows: [160, 96],
      first: 64,
      channels,
    });
  }
  await check({ stream: "key", from: "q4r64t16", rows: [64] });
  await check({ stream: "key", from: "q4r16t16", rows: [144], to: 33 });
  await check({ stream: "key", from: "q2r128t16", rows: [256], headDim: 48 });
  await check({ stream: "key", from: "list_q4r64t16", rows: [192], channels: [63], type: "f32" });
});

Deno.test("coded values become whole rows, with a short last group, from any row", async () => {
  for (const bits of [2, 4, 8]) {
    await check({ stream: "value", from: `q${bits}c32t1`, rows: [128, 31, 0] });
    await check({ stream: "value", from: `q${bits}c32t1`, rows: [33], headDim: 80, first: 1 });
  }
  await check({ stream: "value", from: "q2c64t1", rows: [127], headDim: 128, type: "f32", to: 5 });
  await check({ stream: "value", from: "q4c64t1", rows: [33] });
  await check({ stream: "value", from: "q4c128t1", rows: [40] });
});

Deno.test("positions move along with decoded rows", async () => {
  const given = { stream: "value", from: "q4c32t1", rows: [130, 7], positions: true } as const;
  await check(given);
  await check({ ...given, first: 3, to: 100 });
});

Deno.test("every instruction set decodes alike", async () => {
  for (const isa of await testIsas()) {
    await check({ stream: "key", from: "q4r32t16", rows: [64], isa });
    await check({ stream: "value", from: "q2c32t1", rows: [20], isa });
  }
});
