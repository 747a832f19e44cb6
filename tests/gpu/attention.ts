/**
 * Attention on a GPU against the f64 reference over the rows as stored: every variant in
 * kernels/attention/, dense and with a list segment, prefill, and decode with its merge.
 */

import { assert, assertEquals } from "@std/assert";
import { QUERY_TILE } from "../../src/core/mod.ts";
import { resolveParams, tableValues, tableView } from "../../src/dsl/mod.ts";
import type { Attention } from "../../src/dsl/mod.ts";
import { attentionReference, authorRunner } from "../../src/reference/mod.ts";
import { assertClose } from "../_close.ts";
import { randomFrom, runNamed as runOnCpu } from "../_kernel.ts";
import { AT, writeCache } from "../_kv_cache.ts";
import type { HeadRows } from "../_kv_cache.ts";
import { gpu, gpuTest, runNamed, sources } from "../_gpu.ts";

export const DENSE = "k_f16t16_v_f16t1";
export const LISTED = "k_list_f16t16_f16t16_v_f16t1";

/** Every variant of kernels/attention/. */
export const variants = sources.flatMap(({ definition }) =>
  definition.kind === "attention" ? [definition as Attention] : []
);
const causal = variants.find((variant) => variant.name === "causal")!;

interface Case {
  readonly variant: Attention;
  readonly params: Readonly<Record<string, number>>;
  readonly layout: string;
  readonly headDim: number;
  readonly group: number;
  readonly nKvHeads: number;
  /** Rows after this step; its queries are the last `nQuery`. */
  readonly rows: number;
  readonly nQuery: number;
  readonly nListed: number;
  readonly width: number;
  /** Added to every query's position: rows far behind it. */
  readonly ahead: number;
}

const BASE: Case = {
  ...{ variant: causal, params: {}, layout: DENSE, headDim: 64, group: 3, nKvHeads: 2 },
  ...{ rows: 40, nQuery: 1, nListed: 0, width: 0, ahead: 0 },
};

/** The rows and queries of a case. */
function problem(given: Partial<Case>) {
  const filled = { ...BASE, ...given };
  const { headDim, group, nKvHeads, rows, nQuery, nListed, width, variant, layout } = filled;
  const nHeads = group * nKvHeads;
  const random = randomFrom(rows + headDim);
  const heads = Array.from({ length: nKvHeads }, (_, h): HeadRows => {
    // A channel far off, as trained models have them.
    const row = (gain: number) =>
      Float32Array.from(
        { length: headDim },
        (_, c) => Math.f16round(2 * random() * (c === 3 ? gain : 1)),
      );
    const channels = Array.from({ length: headDim }, (_, c) => c)
      .filter((c) => (c * 7 + h) % headDim < width);
    const keys = Array.from({ length: rows }, () => row(12));
    return { keys, values: Array.from({ length: rows }, () => row(1)), nListed, channels };
  });
  const stride = (nHeads + 2 * nKvHeads) * headDim;
  const dims = { nLayers: AT.nLayers, nHeads, nKvHeads, headDim, nCtx: 4096 };
  return {
    ...filled,
    ...{ nHeads, stride, heads, dims },
    params: resolveParams(variant.name, variant.params, filled.params),
    qkv: Float32Array.from({ length: nQuery * stride }, () => 2 * random()),
    cache: writeCache(layout, heads, { headDim, nNew: nQuery }),
    tables: Object.fromEntries(
      Object.entries(variant.tables).map(([name, t]) => [name, tableValues(name, t, dims)]),
    ) as Record<string, Float32Array<ArrayBuffer>>,
  };
}

type Problem = ReturnType<typeof problem>;

/** What prefill and decode bind alike. */
function shared({ cache, tables, params, nHeads, nKvHeads, stride, headDim, group }: Problem) {
  const { channels, ...rest } = cache.buffers;
  const lists = cache.layout.key.segments.some((segment) => segment.channels === "list");
  const nKey = cache.layout.key.segments.length;
  const pages = cache.firstPages.map((page, i) =>
    [i < nKey ? `key_page_${i}` : `value_page_${i - nKey}`, page] as const
  );
  return {
    defines: { HEAD_DIM: headDim, GROUP: group },
    buffers: { ...rest, ...(lists ? { channels } : {}), ...tables },
    constants: {
      ...cache.constants,
      ...{ n_heads: nHeads, n_kv_heads: nKvHeads, qkv_stride: stride },
      ...Object.fromEntries(pages),
      scale: 1 / Math.sqrt(headDim),
      ...params,
    },
  };
}

/** The outputs of the step's queries in tiles: f32 [nQuery, nHeads · headDim]. */
async function prefill(p: Problem): Promise<Float32Array> {
  const width = p.nHeads * p.headDim;
  const tiles: number[] = [];
  for (let i = 0; i < p.nQuery; i += QUERY_TILE) {
    tiles.push(0, i, Math.min(QUERY_TILE, p.nQuery - i), 0);
  }
  const { defines, buffers, constants } = shared(p);
  const { out } = await runNamed(`attention_${p.variant.name}_prefill__${p.layout}`, {
    defines,
    buffers: {
      qkv: p.qkv,
      tiles: Uint32Array.from(tiles),
      seqs: Uint32Array.of(p.nQuery, 0, p.rows - p.nQuery + p.ahead, AT.slot),
      ...buffers,
      out: new Float32Array(p.nQuery * width).fill(NaN),
    },
    constants: { ...constants, out_stride: width },
    step: { nRows: p.nQuery, nSeqs: 1, nTiles: tiles.length / 4 },
  });
  return out;
}

/** The output of the step's last query, decoded: f32 [nHeads · headDim]. */
async function decode(p: Problem): Promise<Float32Array> {
  const { defines, buffers, constants } = shared(p);
  // One split more than there are chunks, as a longer sequence beside this one would ask for.
  const nSplits = p.cache.nSplits + 1;
  const step = { nRows: p.nQuery, nSeqs: 1, nDecode: 1, nSplits };
  const decode_rows = Uint32Array.of(p.nQuery - 1);
  const { partials } = await runNamed(`attention_${p.variant.name}_decode__${p.layout}`, {
    ...{ defines, step, constants },
    buffers: {
      qkv: p.qkv,
      decode_rows,
      row_seq: new Uint32Array(p.nQuery),
      seqs: Uint32Array.of(p.nQuery, 0, p.rows - p.nQuery + p.ahead, AT.slot),
      ...buffers,
      partials: new Float32Array(p.nHeads * nSplits * (p.headDim + 16)).fill(NaN),
    },
  });
  const width = p.nHeads * p.headDim;
  const { out } = await runNamed("attention_merge", {
    ...{ defines: { HEAD_DIM: p.headDim }, step },
    buffers: { partials, decode_rows, out: new Float32Array(p.nQuery * width).fill(NaN) },
    constants: { n_heads: p.nHeads, out_stride: width },
  });
  return out.slice(-width);
}

/** The reference's output of one query, all heads, and how far rounding may take f32 from it. */
function reference(p: Problem, query: number) {
  const { headDim, nHeads, variant } = p;
  const want = new Float64Array(nHeads * headDim);
  const bound = new Float64Array(want.length);
  const nSeen = p.rows - p.nQuery + query + 1;
  const scale = 1 / Math.sqrt(headDim);
  const views = Object.fromEntries(
    Object.entries(variant.tables).map(([name, { shape }]) => {
      return [name, tableView(p.tables[name]!, shape.map((dim) => p.dims[dim]))];
    }),
  );
  for (let head = 0; head < nHeads; head++) {
    const kvHead = Math.floor(head / p.group);
    const { keys, values, channels } = p.heads[kvHead]!;
    const q = p.qkv.subarray(query * p.stride + head * headDim).subarray(0, headDim);
    const kept = new Set(channels);
    const seen = keys.slice(0, nSeen).map((key, i) =>
      i < p.nListed ? key.map((x, c) => kept.has(c) ? x : 0) : key
    );
    const queryPosition = nSeen - 1 + p.ahead;
    const out = attentionReference({
      ...{ q, keys: seen, values, scale },
      score: authorRunner(variant, "score"),
      mask: authorRunner(variant, "mask"),
      context: { ...p.params, ...views, queryPosition, head, kvHead, layer: AT.layer },
    });
    want.set(out, head * headDim);
    // Two roundings per multiply-add of a logit, where a target does not fuse them, each at most half a unit
    // of Σ|q k|; some of the hook's own (alibi's bias is as large as the distance); twice that of a
    // weight; the sums over keys add one each. All first order.
    const sizes = seen.map((key) => key.reduce((a, x, c) => a + Math.abs(x * q[c]!), 0) * scale);
    const hook = variant.name === "alibi" ? p.rows : 64;
    const logitError = 2 * (headDim + 2) * Math.max(...sizes) + 4 * hook;
    const largest = values.reduce((a, row) => Math.max(a, ...row.map(Math.abs)), 0);
    bound.fill(2 ** -24 * largest * (4 * logitError + 2 * p.rows + 64), head * headDim);
  }
  return { want, bound };
}

/** Prefill and decode of one problem. */
export async function assertAttention(given: Partial<Case>): Promise<void> {
  const p = problem(given);
  const { variant: _, ...shape } = given;
  const about = `${p.variant.name} ${JSON.stringify(shape)}`;
  const out = await prefill(p);
  const width = p.nHeads * p.headDim;
  for (const query of new Set([0, Math.floor(p.nQuery / 2), p.nQuery - 1])) {
    const { want, bound } = reference(p, query);
    const label = `${about}, query ${query}`;
    const got = out.subarray(query * width, (query + 1) * width);
    assertClose(got, want, { bound: (i) => bound[i]!, label });
  }
  const { want, bound } = reference(p, p.nQuery - 1);
  const decoded = await decode(p);
  assertClose(decoded, want, { bound: (i) => bound[i]!, label: `${about}, decoded` });
  // Prefill does in one place what decode and merge do in two.
  if (gpu().exact) assertEquals(decoded, out.slice(-width), `${about}, decoded`);
}

gpuTest("attention_merge joins any number of partial softmaxes as the CPU does", async () => {
  const [headDim, nHeads] = [80, 3];
  const random = randomFrom(5);
  for (const nSplits of [1, 2, 63, 64, 65, 200]) {
    // The largest logits rise and fall; some splits saw no key, some lie far below.
    const partials = Float32Array.from({ length: nHeads * nSplits * (headDim + 16) }, (_, i) => {
      const [c, split] = [i % (headDim + 16), Math.floor(i / (headDim + 16))];
      const empty = split % 5 === 2;
      if (c < headDim) return empty ? 0 : 20 * random();
      if (c === headDim) return empty ? -1e30 : 9 * random() - (split % 11 === 3 ? 200 : 0);
      return empty ? 0 : 40 * (random() + 1);
    });
    const run = {
      buffers: {
        partials,
        decode_rows: Uint32Array.of(0),
        out: new Float32Array(nHeads * headDim).fill(NaN),
      },
      constants: { n_heads: nHeads, out_stride: nHeads * headDim },
      defines: { HEAD_DIM: headDim },
      step: { nRows: 1, nSeqs: 1, nDecode: 1, nSplits },
    };
    const want = await runOnCpu("attention_merge", run);
    const { out } = await runNamed("attention_merge", run);
    // Two roundings a split of what is at most 20, and WGSL's exponentials.
    const bound = gpu().exact ? 0 : 20 * (2 * nSplits + 32) * 2 ** -24;
    assertClose(out, want.out!, { bound, label: `${nSplits} splits` });
  }
});

gpuTest("causal attention over 1 to 600 rows, dense", async () => {
  for (const rows of [1, 31, 33, 127, 257, 600]) {
    await assertAttention({ rows, nQuery: Math.min(rows, 19) });
  }
  await assertAttention({ rows: 40, nQuery: 40 });
});

gpuTest("list segments of 1 to 64 channels and of no rows", async () => {
  for (const [width, nListed] of [[1, 31], [26, 33], [32, 257], [64, 300], [32, 0], [0, 64]]) {
    const shape = { nListed: nListed!, width: width!, rows: nListed! + 45 };
    await assertAttention({ layout: LISTED, nQuery: 11, ...shape });
  }
});

gpuTest("groups of 1 to 8 query heads, heads of 16 to 256 channels", async () => {
  for (
    const [group, headDim] of [[1, 64], [4, 128], [8, 64], [2, 16], [3, 80], [8, 128], [2, 256]]
  ) {
    const shape = { group: group!, headDim: headDim!, width: headDim! / 4 };
    await assertAttention({ layout: LISTED, rows: 290, nListed: 130, nQuery: 9, ...shape });
  }
});

gpuTest("f32 keys and values, and f16 keys with f32 values", async () => {
  for (const layout of ["k_list_f32t16_f32t16_v_f32t1", "k_list_f16t16_f16t16_v_f32t1"]) {
    await assertAttention({ layout, rows: 150, nListed: 100, width: 20, nQuery: 9 });
  }
});

for (const variant of variants) {
  gpuTest(`attention ${variant.name} agrees with its function`, async () => {
    // Bounds that the case's 560 rows reach.
    const small: Readonly<Record<string, number>> = { window: 40, cap: 3 };
    const names = Object.keys(variant.params).filter((name) => name in small);
    const params = Object.fromEntries(names.map((name) => [name, small[name]!]));
    const given = { variant, params, rows: 560, nQuery: 17 };
    await assertAttention(given);
    await assertAttention({ ...given, layout: LISTED, nListed: 290, width: 26 });
  });
}

gpuTest("a query sees no later row of its step, whatever its position", async () => {
  // The mask alone would let every row through.
  await assertAttention({ rows: 50, nQuery: 13, ahead: 1000 });
  await assertAttention({
    rows: 50,
    nQuery: 13,
    ahead: 1000,
    layout: LISTED,
    nListed: 20,
    width: 16,
  });
});

gpuTest("a fully masked row is zeros (oracle 7)", async () => {
  const variant = variants.find(({ name }) => name === "sliding_window")!;
  // The window ends before the cache's rows start.
  const p = problem({ variant, params: { window: 4 }, rows: 20, ahead: 1000 });
  for (const out of [await prefill(p), await decode(p)]) {
    assert(out.every((x) => x === 0), `got ${out.find((x) => x !== 0)}`);
  }
});
