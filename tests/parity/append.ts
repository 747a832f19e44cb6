/**
 * The cache append as C: rotated queries in place, rotated keys and values in the pages, for mixed
 * sequences of a step and both cache types, against the author's rotation in f64.
 */

import { assertEquals } from "@std/assert";
import appendDefinition from "../../kernels/ops/append.ts";
import { testIsas } from "../../src/device/testing.ts";
import { loadSources } from "../../src/emit/sources.ts";
import { isTurned } from "../../src/layout/mod.ts";
import type { Stream } from "../../src/layout/mod.ts";
import {
  authorRunner,
  interpreterRunner,
  rotateReference,
  turnReference,
} from "../../src/reference/mod.ts";
import { projectRoot } from "../../src/sys/cache_dir.ts";
import { assertClose } from "../_close.ts";
import { activations, randomFrom, runNamed } from "../_kernel.ts";
import {
  AT,
  readPosition,
  readRow,
  segmentsOf,
  stored,
  withoutPage,
  writeCache,
} from "../_kv_cache.ts";
import type { HeadRows } from "../_kv_cache.ts";

const N_HEADS = 6, N_KV_HEADS = 2;

/** Appends `nQuery` rows behind `before` rows and returns what the kernel wrote. */
async function run(
  layout: string,
  options: {
    headDim: number;
    before: number;
    nQuery: number;
    nListed?: number;
    nCoded?: number;
    /** How many rows were evicted before the step's. */
    gap?: number;
    isa?: "v4" | "base";
  },
) {
  const { headDim, before, nQuery, nListed = 0, nCoded = 0, gap = 0 } = options;
  const random = randomFrom(before + nQuery);
  const rows = before + nQuery;
  const filler = () => Array.from({ length: rows }, () => new Float32Array(headDim).fill(7));
  const channels = nListed > 0 ? [0, 3, 9] : [];
  const heads = Array.from(
    { length: N_KV_HEADS },
    (): HeadRows => ({ keys: filler(), values: filler(), nListed, nCoded, channels }),
  );
  const cache = writeCache(layout, heads, { headDim, nNew: nQuery });
  const stride = (N_HEADS + 2 * N_KV_HEADS) * headDim;
  const nCtx = rows + gap + 100;
  // Another sequence's row comes first in the step, so offsets count from firstRow.
  const qkv = activations((nQuery + 1) * stride, random);
  const rope = Float32Array.from({ length: nCtx * headDim }, (_, i) => {
    const angle = Math.floor(i / headDim) / (1 + i % (headDim / 2));
    return i % headDim < headDim / 2 ? Math.cos(angle) : Math.sin(angle);
  });
  const positions = Array.from({ length: nQuery }, (_, i) => before + gap + i);
  const nKey = cache.layout.key.segments.length;
  // Slot 0, where the other sequence lives, has all its pages in the spare last ones of slot 1's heads.
  const pages = Uint32Array.from(cache.buffers.pages);
  const own = AT.nLayers * N_KV_HEADS * cache.constants["page_entries"]!;
  pages.fill(pages.at(-1)!, 0, own);
  const written = await runNamed(`append__${layout}`, {
    ...(options.isa ? { isa: options.isa } : {}),
    defines: { HEAD_DIM: headDim },
    buffers: {
      qkv,
      rope,
      row_position: Uint32Array.of(99, ...positions),
      row_seq: Uint32Array.of(0, ...positions.map(() => 1)),
      seqs: Uint32Array.of(1, 0, 99, 0, nQuery, 1, before + gap, AT.slot),
      pages,
      heads: cache.buffers.heads,
      arena: cache.buffers.arena,
    },
    constants: {
      ...cache.constants,
      n_heads: N_HEADS,
      n_kv_heads: N_KV_HEADS,
      qkv_stride: stride,
      key_page: cache.firstPages[nKey - 1]!,
      value_page: cache.firstPages.at(-1)!,
    },
    step: { nRows: nQuery + 1, nSeqs: 2 },
  });
  return { cache, qkv, rope, stride, positions, pages, written, nKey };
}

/** Holds what was written to the reference. */
async function check(
  layout: string,
  options: {
    headDim: number;
    before: number;
    nQuery: number;
    nListed?: number;
    nCoded?: number;
    gap?: number;
    isa?: "v4" | "base";
  },
) {
  const { headDim, before, nListed = 0, nCoded = 0, gap = 0 } = options;
  const { cache, qkv, rope, stride, positions, written, nKey } = await run(layout, options);
  const rotate = authorRunner(appendDefinition, "rotate");
  const segments = segmentsOf(cache.layout);
  const inFirst = ({ segments }: Stream) => segments.length > 1 ? Math.max(nListed, nCoded) : 0;
  positions.forEach((position, i) => {
    const row = qkv.subarray((i + 1) * stride, (i + 2) * stride);
    const got = written.qkv!.subarray((i + 1) * stride, (i + 2) * stride);
    const head = (index: number) => row.slice(index * headDim, (index + 1) * headDim);
    const turns = cache.layout.positions === "cache" ? position - gap : position;
    const angles = rope.subarray(turns * headDim, (turns + 1) * headDim);
    const [turnsKeys, turnsValues] = [isTurned(cache.layout.key), isTurned(cache.layout.value)];
    const turned = (index: number) => {
      const rotated = rotateReference(head(index), { pairing: "half", rotate, rope: angles });
      return turnsKeys ? turnReference(rotated) : rotated;
    };
    // A rounding of every sum on the way, each at most Σ|x| / √headDim, which is at most 100 · √headDim.
    const turning = (Math.log2(headDim) + 4) * 100 * Math.sqrt(headDim) * 2 ** -24;
    // Two products and a sum, each rounded: 2 units of the larger product, which is at most 100.
    const bound = 2 * 100 * 2 ** -24 * 2 * (turnsKeys ? Math.sqrt(headDim) : 1) +
      (turnsKeys ? turning : 0);
    for (let h = 0; h < N_HEADS; h++) {
      const q = got.subarray(h * headDim, (h + 1) * headDim);
      assertClose(q, turned(h), { bound, label: `q, position ${position}` });
    }
    for (let h = 0; h < N_KV_HEADS; h++) {
      const read = (index: number, at: number) =>
        readRow(cache, {
          arena: written.arena!,
          nKvHeads: N_KV_HEADS,
          kvHead: h,
          index,
          row: at,
          width: headDim,
        });
      const key = segments[nKey - 1]!, value = segments.at(-1)!;
      // A half holds 11 bits: what rounding moves, and a rounding of f32 that crosses a tie.
      const half = key.code.kind === "f16" ? 2 ** -11 : 0;
      const want = turned(N_HEADS + h);
      assertClose(read(nKey - 1, position - gap - inFirst(cache.layout.key)), want, {
        bound: (c) => bound + Math.abs(want[c]!) * half * 1.01,
        label: `k, position ${position}`,
      });
      const own = head(N_HEADS + N_KV_HEADS + h);
      const valueRow = position - gap - inFirst(cache.layout.value);
      const v = read(segments.length - 1, valueRow);
      if (turnsValues) {
        const want = turnReference(own);
        assertClose(v, want, {
          bound: (c) => turning + Math.abs(want[c]!) * half * 1.01,
          label: `v, position ${position}`,
        });
      } else assertEquals(v, Array.from(own, (x) => stored(x, value)), `v, position ${position}`);
      if (!cache.layout.rowPositions) continue;
      const at = { arena: written.arena!, nKvHeads: N_KV_HEADS, kvHead: h, row: valueRow };
      assertEquals(readPosition(cache, at), position);
    }
  });
  // Rows before the step keep what they had.
  for (let row = 0; row < before - nListed - nCoded; row += 5) {
    const at = { arena: written.arena!, nKvHeads: N_KV_HEADS, kvHead: 1, width: headDim };
    assertEquals(readRow(cache, { ...at, index: nKey - 1, row }), Array(headDim).fill(7));
  }
}

const DENSE = "k_f16t16_v_f16t1";

Deno.test("append stores rows behind those of the cache, across tiles and pages", async () => {
  for (const [before, nQuery] of [[0, 1], [1, 31], [15, 33], [127, 2], [250, 140]] as const) {
    await check(DENSE, { headDim: 64, before, nQuery });
  }
});

Deno.test("append goes to the last segments, whatever is stored before them", async () => {
  const layout = "k_list_f16t16_f16t16_v_f16t1";
  await check(layout, { headDim: 64, before: 50, nQuery: 3, nListed: 40 });
  await check("k_f16t16_v_list_f16t1_f16t1", { headDim: 64, before: 50, nQuery: 3 });
  const coded = "k_q4r32t16_f16t16_v_q4c32t1_f16t1";
  await check(coded, { headDim: 64, before: 50, nQuery: 3, nCoded: 32 });
  const classes = "k_list_mean_q42r64t16_list_mean_q42r64t16_f16t16_v_q4c64t1_q2c64t1_f16t1";
  await check(classes, { headDim: 64, before: 150, nQuery: 3, nListed: 128, nCoded: 128 });
  await check("k_bitmap_mean_f16t1_f16t16_v_f16t1", { headDim: 64, before: 50, nQuery: 3 });
});

Deno.test("append turns what a layout stores in another basis, queries with the keys", async () => {
  const codes = "k_basis_q4r64t16_basis_f16t16_v_basis_q4c64t1_basis_f16t1";
  await check(codes, { headDim: 64, before: 130, nQuery: 9, nCoded: 64 });
  for (const headDim of [16, 32, 128]) {
    await check("k_basis_f16t16_v_basis_f16t1", { headDim, before: 5, nQuery: 31 });
  }
  await check("k_basis_f32t16_v_f32t1", { headDim: 64, before: 0, nQuery: 33 });
  await check("k_f16t16_v_basis_f16t1_evicted", { headDim: 64, before: 9, nQuery: 3, gap: 57 });
  for (const isa of await testIsas()) {
    await check(codes, { headDim: 64, before: 64, nQuery: 2, nCoded: 64, isa: isa as "v4" });
  }
});

Deno.test("append notes true positions where rows were evicted", async () => {
  for (const [before, nQuery] of [[0, 1], [1, 31], [120, 33]] as const) {
    await check(`${DENSE}_evicted`, { headDim: 64, before, nQuery, gap: 57 });
  }
  const layout = "k_list_f16t16_f16t16_v_f16t1_evicted";
  await check(layout, { headDim: 64, before: 50, nQuery: 3, nListed: 40, gap: 9 });
  await check(`${DENSE}_evicted_summed`, { headDim: 64, before: 120, nQuery: 33, gap: 57 });
  for (const isa of await testIsas()) {
    await check(`${DENSE}_evicted`, { headDim: 64, before: 9, nQuery: 2, isa: isa as "v4" });
  }
});

Deno.test("append rotates by places in the cache, the rows of every segment counted", async () => {
  const given = { headDim: 64, before: 50, nQuery: 3, gap: 9 };
  await check(`${DENSE}_cached_evicted`, given);
  await check("k_f16t16_v_list_f16t1_f16t1_cached_evicted", { ...given, nListed: 40 });
  await check("k_q4r32t16_f16t16_v_q4c32t1_f16t1_cached_evicted", { ...given, nCoded: 32 });
});

Deno.test("append in f32, and heads that are no multiple of 32", async () => {
  await check("k_f32t16_v_f32t1", { headDim: 64, before: 5, nQuery: 20 });
  await check(DENSE, { headDim: 48, before: 5, nQuery: 20 });
  await check(DENSE, { headDim: 16, before: 0, nQuery: 2 });
});

Deno.test("append gives the same bits on every instruction set", async () => {
  const options = { headDim: 64, before: 9, nQuery: 12 };
  const all = [];
  for (const isa of await testIsas()) {
    const { written, pages } = await run(DENSE, { ...options, isa: isa as "v4" });
    // The other sequence's heads write one page, one over the other, in any order.
    all.push({ ...written, arena: withoutPage(written.arena!, pages, pages.at(-1)!) });
  }
  for (const written of all.slice(1)) assertEquals(written, all[0]!);
});

Deno.test("the rotation's IR is the rotation", async () => {
  const { sources } = await loadSources(projectRoot());
  const { funcs } = sources.find((s) => s.definition.name === "append")!;
  const func = funcs["rotate"]!;
  const interpreted = interpreterRunner(appendDefinition, "rotate", { func, mode: "f64" });
  const pair = { a: 3, b: -2, cos: 0.6, sin: 0.8 };
  assertEquals(interpreted(pair), authorRunner(appendDefinition, "rotate")(pair));
});
