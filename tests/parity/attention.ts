/**
 * Attention as C against the f64 reference over the rows as stored: every variant in kernels/attention/,
 * dense and with a list segment, prefill and decode. What must not change a bit (which entry computed a
 * row, chunks, company, threads) is compared as bits. Cache types and head groups are `verify`'s, which
 * tests/verify_test.ts runs.
 */

import { assert, assertEquals } from "@std/assert";
import { QUERY_TILE } from "../../src/core/mod.ts";
import { resolveParams, tableView } from "../../src/dsl/mod.ts";
import type { Attention } from "../../src/dsl/mod.ts";
import { testIsas } from "../../src/device/testing.ts";
import type { Isa } from "../../src/device/testing.ts";
import { loadSources } from "../../src/emit/sources.ts";
import { isTurned, mergeKernel } from "../../src/layout/mod.ts";
import {
  attentionQ8Reference,
  attentionReference,
  authorRunner,
  interpreterRunner,
  quantizedBytes,
  quantizeRows,
  turnReference,
} from "../../src/reference/mod.ts";
import type { HookRunner } from "../../src/reference/mod.ts";
import { projectRoot } from "../../src/sys/cache_dir.ts";
import { codedRows } from "../../src/verify/coded_rows.ts";
import { caseTable } from "../../src/verify/hooks.ts";
import { assertClose } from "../_close.ts";
import { randomFrom, runNamed } from "../_kernel.ts";
import { AT, stored, writeCache } from "../_kv_cache.ts";
import type { HeadRows, WrittenCache } from "../_kv_cache.ts";
import { ownChannels } from "../_set_case.ts";
import { asStored } from "../_stored_rows.ts";

const DENSE = "k_f16t16_v_f16t1";
const LISTED = "k_list_f16t16_f16t16_v_f16t1";
/** Keys with channels of their own. */
const SETS = "k_bitmap_mean_f16t1_f16t16_v_f16t1";
const EVICTED = "_evicted";

interface Case {
  readonly variant?: Attention;
  readonly params?: Record<string, number>;
  readonly layout: string;
  readonly headDim: number;
  readonly group: number;
  readonly nKvHeads: number;
  /** Rows after this step, of which `nQuery` are its queries. */
  readonly rows: number;
  readonly nQuery: number;
  readonly nListed?: number;
  readonly nCoded?: number;
  readonly nFirst?: number;
  readonly width?: number;
  /** Rows and channels of a list segment of values. */
  readonly nListedValues?: number;
  readonly valueWidth?: number;
  /** How many of the listed channels are of the first class, where the segment has two. */
  readonly high?: number;
  /** Whether what meets the cache is rounded: to bytes for codes, to bf16 for halves. */
  readonly q8?: boolean;
  readonly seed: number;
  readonly isa?: Isa;
}

/** The rows and queries of a case, as the cache stores them. */
interface Problem extends Required<Omit<Case, "isa">> {
  readonly heads: readonly HeadRows[];
  /** f32 [nQuery, nHeads, headDim] with the strides of qkv. */
  readonly qkv: Float32Array<ArrayBuffer>;
  readonly stride: number;
  readonly cache: WrittenCache;
  readonly isa: Isa | undefined;
  readonly tables: Record<string, Float32Array | Uint32Array>;
}

const { sources } = await loadSources(projectRoot());
const variants = sources.filter((s) => s.definition.kind === "attention");
const variantNamed = (name: string) =>
  variants.find((s) => s.definition.name === name)!.definition as Attention;

/** True positions of rows of which every other one was evicted, but for the last `nQuery`: the step's. */
const gaps = (rows: number, nQuery: number) =>
  Array.from({ length: rows }, (_, i) => i + Math.min(i, rows - nQuery));

/** The true position of a row of a problem. */
const positionOf = ({ heads }: Pick<Problem, "heads">, row: number) =>
  heads[0]!.positions?.[row] ?? row;

function problem(given: Case): Problem {
  const filled = {
    variant: variantNamed("causal"),
    params: {},
    nListed: 0,
    nCoded: 0,
    nFirst: 0,
    width: 0,
    nListedValues: 0,
    valueWidth: 0,
    high: 0,
    q8: false,
    ...given,
  };
  const { headDim, group, nKvHeads, rows, nQuery, nListed, nCoded, nFirst, width, variant } =
    filled;
  const random = randomFrom(given.seed);
  const nHeads = group * nKvHeads;
  const heads = Array.from({ length: nKvHeads }, (): HeadRows => {
    // A channel far off, as trained models have them, and one that is nothing.
    const gain = Float32Array.from({ length: headDim }, (_, c) => c === 3 ? 12 : c === 5 ? 0 : 1);
    const row = (scaled: boolean) =>
      Float32Array.from(
        { length: headDim },
        (_, c) => Math.f16round(2 * random() * (scaled ? gain[c]! : 1)),
      );
    const some = (n: number) =>
      Array.from({ length: headDim }, (_, c) => ({ c, order: random() }))
        .sort((a, b) => a.order - b.order).slice(0, n).map(({ c }) => c).sort((a, b) => a - b);
    const channels = some(width);
    const listsValues = given.layout.includes("v_list");
    return {
      keys: Array.from({ length: rows }, () => row(true)),
      values: Array.from({ length: rows }, () => row(false)),
      nListed,
      nCoded,
      nFirst,
      channels,
      ...(listsValues
        ? { nListedValues: filled.nListedValues, valueChannels: some(filled.valueWidth) }
        : {}),
      high: filled.high,
      ...(given.layout.includes("bitmap") ? ownChannels({ nListed, headDim, width }, random) : {}),
      ...(given.layout.endsWith(EVICTED) ? { positions: gaps(rows, nQuery) } : {}),
    };
  });
  const stride = (nHeads + 2 * nKvHeads) * headDim;
  const qkv = Float32Array.from({ length: nQuery * stride }, () => 2 * random());
  const dims = { nLayers: AT.nLayers, nHeads, nKvHeads, headDim, nCtx: 4096 };
  const tables = Object.fromEntries(
    Object.entries(variant.tables).map(([name, spec]) => [name, caseTable(name, spec, dims)]),
  );
  const params = resolveParams(variant.name, variant.params, filled.params);
  const cache = writeCache(given.layout, heads, { headDim, nNew: nQuery });
  const stored = heads.map((head, kvHead) => asStored(cache, head, { kvHead, nKvHeads, headDim }));
  return { ...filled, params, heads: stored, qkv, stride, cache, isa: given.isa, tables };
}

const constantsOf = (p: Problem) => {
  const nKey = p.cache.layout.key.segments.length;
  const page = (i: number) =>
    [i < nKey ? `key_page_${i}` : `value_page_${i - nKey}`, p.cache.firstPages[i]!] as const;
  return {
    ...p.cache.constants,
    n_heads: p.group * p.nKvHeads,
    n_kv_heads: p.nKvHeads,
    qkv_stride: p.stride,
    ...Object.fromEntries(p.cache.firstPages.map((_, i) => page(i))),
    scale: 1 / Math.sqrt(p.headDim),
    ...p.params,
  };
};

const buffersOf = ({ cache: { layout, buffers, fills }, tables }: Problem) => {
  const { channels, value_channels, ...rest } = buffers;
  const lists = (stream: "key" | "value") =>
    layout[stream].segments.some((s) => s.channels === "list");
  return {
    ...rest,
    ...(lists("key") ? { channels } : {}),
    ...(lists("value") ? { value_channels } : {}),
    ...(fills ? { fills } : {}),
    ...tables,
  };
};

/** The kernel of an entry. */
const kernelOf = ({ variant, q8, layout }: Problem, entry: "prefill" | "decode") =>
  `attention_${variant.name}_${entry}${q8 ? "_q8" : ""}__${layout}`;

/** The outputs of the step's queries in tiles, the first at `position`: f32 [nQuery, nHeads · headDim]. */
async function prefill(
  p: Problem,
  { threads = 2, position = positionOf(p, p.rows - p.nQuery), stores_codes = 0 }: {
    threads?: number;
    position?: number;
    stores_codes?: number;
  } = {},
): Promise<Float32Array<ArrayBuffer>> {
  const width = p.group * p.nKvHeads * p.headDim;
  const tiles: number[] = [];
  for (let i = 0; i < p.nQuery; i += QUERY_TILE) {
    tiles.push(0, i, Math.min(QUERY_TILE, p.nQuery - i), 0);
  }
  const { out } = await runNamed(kernelOf(p, "prefill"), {
    threads,
    ...(p.isa ? { isa: p.isa } : {}),
    defines: { HEAD_DIM: p.headDim, GROUP: p.group },
    buffers: {
      qkv: p.qkv,
      tiles: Uint32Array.from(tiles),
      seqs: Uint32Array.of(p.nQuery, 0, position, AT.slot),
      ...buffersOf(p),
      out: new Float32Array(p.nQuery * width).fill(NaN),
    },
    constants: { ...constantsOf(p), out_stride: width, ...(p.q8 ? { stores_codes } : {}) },
    step: { nRows: p.nQuery, nSeqs: 1, nTiles: tiles.length / 4 },
  });
  return out!;
}

/** The output of the step's last query, decoded at `position`: f32 [nHeads · headDim]. */
async function decode(p: Problem, position = positionOf(p, p.rows - 1)): Promise<Float32Array> {
  const nHeads = p.group * p.nKvHeads;
  const { nSplits } = p.cache;
  const step = { nRows: 1, nSeqs: 1, nDecode: 1, nSplits };
  const run = { defines: { HEAD_DIM: p.headDim }, step, ...(p.isa ? { isa: p.isa } : {}) };
  const decode_rows = Uint32Array.of(0);
  // The earlier queries' rows count as stored before the step.
  const heads = Uint32Array.from(p.cache.buffers.heads);
  const nSegments = p.cache.firstPages.length;
  for (let at = 0; at < heads.length; at += 2 * nSegments) {
    const last = at + 2 * (p.cache.layout.key.segments.length - 1);
    if (heads[last + 1] !== 0) heads[last]! += p.nQuery - 1;
  }
  const { partials } = await runNamed(kernelOf(p, "decode"), {
    ...run,
    defines: { HEAD_DIM: p.headDim, GROUP: p.group },
    buffers: {
      qkv: p.qkv.slice((p.nQuery - 1) * p.stride),
      decode_rows,
      row_seq: Uint32Array.of(0),
      seqs: Uint32Array.of(1, 0, position, AT.slot),
      ...buffersOf(p),
      heads,
      partials: new Float32Array(nHeads * nSplits * (p.headDim + 16)).fill(NaN),
    },
    constants: constantsOf(p),
  });
  const { out } = await runNamed(mergeKernel(p.cache.layout), {
    ...run,
    buffers: { partials: partials!, decode_rows, out: new Float32Array(nHeads * p.headDim) },
    constants: { n_heads: nHeads, out_stride: nHeads * p.headDim },
  });
  return out!;
}

/** The reference's output of one query, all heads, and how far rounding may take f32 from it. */
function reference(
  p: Problem,
  options: { query: number; hooks?: { score: HookRunner; mask: HookRunner } },
): { want: Float64Array; bound: Float64Array } {
  const { query } = options;
  const hooks = options.hooks ??
    { score: authorRunner(p.variant, "score"), mask: authorRunner(p.variant, "mask") };
  const nHeads = p.group * p.nKvHeads;
  const want = new Float64Array(nHeads * p.headDim);
  const bound = new Float64Array(want.length);
  const place = p.rows - p.nQuery + query;
  const queryPosition = positionOf(p, place);
  const scale = 1 / Math.sqrt(p.headDim);
  const views = Object.fromEntries(
    Object.entries(p.variant.tables).map(([name, spec]) => {
      const dims = { nLayers: AT.nLayers, nHeads, nKvHeads: p.nKvHeads, headDim: p.headDim };
      const sizes = spec.shape.map((dim) => dims[dim as keyof typeof dims]);
      return [name, tableView(p.tables[name]!, sizes)];
    }),
  );
  for (let head = 0; head < nHeads; head++) {
    const kvHead = Math.floor(head / p.group);
    const { keys, channels, positions, valueChannels = [] } = p.heads[kvHead]!;
    const keptValues = new Set(valueChannels);
    const values = p.heads[kvHead]!.values.map((value, i) =>
      i < p.nListedValues ? value.map((x, c) => keptValues.has(c) ? x : 0) : value
    );
    const q = p.qkv.subarray(query * p.stride + head * p.headDim).subarray(0, p.headDim);
    const kept = new Set(channels);
    const seen = keys.slice(0, place + 1).map((key, i) =>
      i < p.nListed && !p.cache.fills ? key.map((x, c) => kept.has(c) ? x : 0) : key
    );
    const context = { ...p.params, ...views, queryPosition, head, kvHead, layer: AT.layer };
    const rows = { keys: seen, values, ...(positions ? { positions } : {}) };
    // One rounding per multiply-add of a logit, each at most half a unit of Σ|q k|; a few more of the
    // hook's result; twice that of a weight; the sums over keys add one each. All first order.
    // A code's product and its minimum's are each at most thrice the channel's largest key's.
    const coded = p.layout.includes("_q") ? channelMaxima(seen).map((x) => 3 * x) : null;
    const sizes = seen.map((key) =>
      (coded ?? key).reduce((a, x, c) => a + Math.abs(x * q[c]!), 0) * scale
    );
    const hook = p.variant.name === "alibi" ? p.rows : 64;
    const logitError = (p.headDim + 2) * Math.max(...sizes) + 4 * hook;
    const largest = values.reduce((a, row) => Math.max(a, ...row.map(Math.abs)), 0);
    // Errors of an output's channels meet when it is turned back.
    const meet = isTurned(p.cache.layout.value) ? Math.sqrt(p.headDim) : 1;
    const error = 2 ** -24 * (4 * logitError + p.rows + 64);
    const asked = { q, ...rows, scale, context, ...hooks };
    const { out, ties } = p.q8
      ? attentionQ8Reference({
        ...{ ...asked, ...codedRows(p.cache, p.heads[kvHead]!, { kvHead, nKvHeads: p.nKvHeads }) },
        weightError: error,
      })
      : { out: attentionReference(asked), ties: new Float64Array(p.headDim) };
    want.set(isTurned(p.cache.layout.value) ? turnReference(out) : out, head * p.headDim);
    const flips = ties.map((tie) => meet * Math.max(tie, meet === 1 ? 0 : Math.max(...ties)));
    bound.set(flips.map((flip) => flip + meet * largest * error), head * p.headDim);
  }
  return { want, bound };
}

/** The largest size of each channel. */
const channelMaxima = (rows: readonly Float32Array[]) =>
  rows[0]!.map((_, c) => rows.reduce((a, row) => Math.max(a, Math.abs(row[c]!)), 0));

async function check(given: Case, queries?: readonly number[]): Promise<void> {
  const p = problem(given);
  const out = await prefill(p);
  const nOut = out.length / p.nQuery;
  for (const query of queries ?? [0, Math.floor(p.nQuery / 2), p.nQuery - 1]) {
    const { want, bound } = reference(p, { query });
    const got = out.subarray(query * nOut, (query + 1) * nOut);
    assertClose(got, want, { bound: (i) => bound[i]!, label: `query ${query} of ${p.rows} rows` });
  }
  assertEquals(await decode(p), out.slice(-nOut), "decode and merge against prefill, bits");
}

const base = { layout: DENSE, headDim: 64, group: 3, nKvHeads: 3, nQuery: 1, seed: 1 };

Deno.test("causal attention over 1 to 600 rows, dense", async () => {
  for (const rows of [1, 31, 33, 127, 257, 600]) {
    await check({ ...base, rows, nQuery: Math.min(rows, 19), seed: rows });
  }
});

Deno.test("an empty cache: every row of the sequence is new", async () => {
  await check({ ...base, rows: 40, nQuery: 40 });
});

Deno.test("list segments of a chunk and a row, of no rows, and of no channels", async () => {
  for (const [width, nListed] of [[32, 257], [32, 0], [0, 64]] as const) {
    const rows = nListed + 45;
    await check({ ...base, layout: LISTED, rows, nQuery: 11, nListed, width, seed: width + 7 });
  }
});

Deno.test("keys with channels of their own: a chunk and a row, none, one channel, all but one", async () => {
  const sets = { ...base, layout: SETS, nQuery: 11 };
  for (const [width, nListed] of [[32, 257], [32, 0], [1, 64], [63, 300]] as const) {
    await check({ ...sets, rows: nListed + 45, nListed, width, seed: width + nListed });
  }
  for (const [group, headDim, width] of [[1, 16, 5], [4, 128, 77], [8, 48, 7]] as const) {
    await check({ ...sets, group, headDim, nKvHeads: 2, rows: 150, nListed: 133, width });
  }
  await check({ ...sets, layout: SETS + EVICTED, rows: 200, nListed: 130, width: 20 });
  const f32 = "k_bitmap_mean_f16t1_f32t16_v_f32t1";
  await check({ ...sets, layout: f32, rows: 60, nListed: 33, width: 20 });
});

Deno.test("keys with channels of their own over whole chunks are dense over fills, bit for bit", async () => {
  const p = problem({ ...base, layout: SETS, rows: 512 + 33, nQuery: 9, nListed: 512, width: 26 });
  const heads = p.heads.map((head) => ({ ...head, nListed: 0 }));
  const cache = writeCache(DENSE, heads, { headDim: 64, nNew: 9 });
  const dense = { ...p, layout: DENSE, heads, cache };
  assertEquals(await prefill(p), await prefill(dense));
  for (const isa of await testIsas()) {
    assertEquals(await decode({ ...p, isa }), await decode({ ...dense, isa }), isa);
  }
});

Deno.test("coded keys and values of 2, 4 and 8 bits, groups of 16 to 128, cuts of their own", async () => {
  const coded = (key: string, value: string) => `k_${key}_f16t16_v_${value}_f16t1`;
  for (const bits of [2, 4, 8]) {
    for (const [group, nCoded] of [[16, 16], [32, 96], [64, 320], [128, 256]] as const) {
      const layout = coded(`q${bits}r${group}t16`, `q${bits}c${group}t1`);
      await check({ ...base, layout, rows: nCoded + 45, nQuery: 11, nCoded, seed: bits + group });
    }
    // Heads of 80 channels end in a short group of values.
    const shape = { headDim: 80, group: 4, nKvHeads: 2, nQuery: 9 };
    const layout = coded(`q${bits}r32t16`, `q${bits}c32t1`);
    await check({ ...base, ...shape, layout, rows: 128 + 20, nCoded: 128, seed: bits });
    await check({ ...base, ...shape, layout, rows: 20, nCoded: 0, seed: bits });
  }
  for (const group of [1, 8]) {
    const layout = coded("q4r32t16", "q2c64t1");
    await check({ ...base, group, headDim: 128, nKvHeads: 2, layout, rows: 300, nCoded: 256 });
  }
});

Deno.test("coded rows in two classes: values of unlike bits, cuts that coincide", async () => {
  const layout = "k_q4r64t16_q4r64t16_f16t16_v_q4c64t1_q2c64t1_f16t1";
  const given = { ...base, layout, nQuery: 9 };
  for (const [nFirst, nCoded] of [[64, 320], [0, 128], [192, 192], [320, 640], [0, 0]] as const) {
    await check({ ...given, rows: nCoded + 41, nCoded, nFirst, seed: nCoded });
  }
  await check({ ...given, rows: 1, headDim: 128, group: 8, nKvHeads: 1, nQuery: 1 });
  const listed = "k_list_q2r32t16_list_q2r32t16_f16t16_v_q8c32t1_q2c32t1_f16t1";
  const rows = { nListed: 160, nCoded: 160, nFirst: 32, rows: 190, width: 26 };
  await check({ ...given, ...rows, layout: listed, headDim: 80, group: 4, nKvHeads: 2 });
  for (const isa of await testIsas()) {
    await check({ ...given, rows: 300, nCoded: 256, nFirst: 64, isa });
  }
});

Deno.test("two classes of coded channels, the others their means, either class empty", async () => {
  const layout = "k_list_mean_q42r64t16_list_mean_q42r64t16_f16t16_v_q4c64t1_q2c64t1_f16t1";
  const rows = { rows: 371, nQuery: 11, nListed: 320, nCoded: 320, nFirst: 128 };
  const given = { ...base, layout, ...rows };
  for (const [width, high] of [[40, 17], [64, 64], [64, 0], [33, 33], [5, 0], [0, 0]] as const) {
    await check({ ...given, width, high, seed: width + high });
  }
  await check({ ...given, rows: 30, nListed: 0, nCoded: 0, nFirst: 0 });
  for (const [group, headDim] of [[1, 48], [4, 80], [8, 128]] as const) {
    const keys = { width: 40, high: 9, nListed: 96, nCoded: 64, nFirst: 0 };
    const layout = "k_list_mean_q84r16t16_f32t16_v_q2c32t1_f16t1";
    const shape = { group, headDim, nKvHeads: 2, rows: 127 };
    await check({ ...given, ...shape, ...keys, layout, seed: group });
  }
});

Deno.test("codes of one stream only, of kept channels, of rows with gaps, beside f32", async () => {
  const given = { ...base, rows: 340, nQuery: 9, nCoded: 288 };
  const layouts = [
    "k_q4r32t16_f16t16_v_f16t1",
    "k_f16t16_v_q2c32t1_f16t1",
    "k_q2r32t16_f32t16_v_q2c32t1_f32t1",
    "k_q4r32t16_f16t16_v_q4c32t1_f16t1_evicted",
  ];
  for (const layout of layouts) await check({ ...given, layout });
  const listed = "k_list_f16t16_f16t16_v_q4c32t1_f16t1";
  await check({ ...given, layout: listed, nListed: 300, width: 26 });
  for (const [nListed, width] of [[32, 39], [288, 1], [288, 64]] as const) {
    const layout = "k_list_q2r32t16_f16t16_v_q2c32t1_f16t1";
    await check({ ...given, layout, nListed, width, nCoded: nListed });
  }
});

Deno.test("codes multiply as whole numbers: 2, 4 and 8 bits, channels in classes, short groups", async () => {
  const coded = (key: string, value: string) => `k_${key}_f16t16_v_${value}_f16t1`;
  const given = { ...base, q8: true, nQuery: 9 };
  for (const [bits, group, nCoded] of [[2, 32, 288], [8, 128, 256]]) {
    const layout = coded(`q${bits}r${group}t16`, `q${bits}c${group}t1`);
    await check({ ...given, layout, rows: nCoded! + 45, nCoded: nCoded!, seed: bits! + group! });
  }
  const layout = coded("q4r32t16", "q4c32t1");
  for (const [group, headDim] of [[1, 16], [4, 80], [8, 128]] as const) {
    const shape = { group, headDim, nKvHeads: 2, rows: 150, nCoded: 96 };
    await check({ ...given, ...shape, layout, seed: headDim });
  }
  await check({ ...given, layout, rows: 20, nCoded: 0 });
  for (const width of [39, 1]) {
    const layout = "k_list_q2r32t16_f16t16_v_q2c32t1_f16t1";
    await check({ ...given, layout, rows: 333, nListed: 288, nCoded: 288, width });
  }
  const rows = { rows: 371, nListed: 320, nCoded: 320, nFirst: 128 };
  const classes = "k_list_mean_q42r64t16_list_mean_q42r64t16_f16t16_v_q4c64t1_q2c64t1_f16t1";
  for (const [width, high] of [[40, 17], [64, 64], [33, 0]] as const) {
    await check({ ...given, ...rows, layout: classes, width, high, seed: width });
  }
  const turned = "k_basis_q4r64t16_basis_f16t16_v_basis_q4c64t1_basis_f16t1";
  await check({ ...given, layout: turned, rows: 300, nCoded: 192 });
});

Deno.test("whole numbers give the same bits on every instruction set", async () => {
  // Keys and values of 2 and of 4 bits.
  const layout = "k_list_mean_q42r64t16_list_mean_q42r64t16_f16t16_v_q4c64t1_q2c64t1_f16t1";
  const rows = { rows: 371, nListed: 320, nCoded: 320, nFirst: 128, width: 40, high: 17 };
  const all: Float32Array[] = [];
  for (const isa of await testIsas()) {
    const p = problem({ ...base, layout, ...rows, nQuery: 10, q8: true, isa });
    const out = await prefill(p);
    assertEquals(await decode(p), out.slice(-out.length / p.nQuery), `decode, ${isa}`);
    all.push(out);
  }
  for (const out of all.slice(1)) assertEquals(out, all[0]!);
});

Deno.test("halves meet bf16: all sizes, pairs that end alone, lists, gaps, other channels, beside f32", async () => {
  const given = { ...base, q8: true, nQuery: 11 };
  for (const rows of [1, 31, 33, 600]) {
    await check({ ...given, rows, nQuery: Math.min(rows, 19), seed: rows });
  }
  for (const [width, nListed] of [[39, 257], [1, 64], [0, 64]] as const) {
    await check({ ...given, layout: LISTED, rows: nListed + 45, nListed, width, seed: width });
  }
  for (const [group, headDim] of [[1, 16], [8, 80]] as const) {
    const shape = { group, headDim, nKvHeads: 2, rows: 150, nQuery: 9, nListed: 61, width: 5 };
    await check({ ...given, ...shape, layout: LISTED, seed: headDim });
  }
  await check({ ...given, layout: DENSE + EVICTED, rows: 300 });
  await check({ ...given, layout: SETS, rows: 190, nListed: 133, width: 20 });
  const listed = { layout: "k_f16t16_v_list_f16t1_f16t1", nListedValues: 97, valueWidth: 21 };
  await check({ ...given, ...listed, rows: 150 });
  await check({ ...given, layout: "k_f32t16_v_f16t1", rows: 60 });
});

Deno.test("halves that meet bf16 give the same bits on every instruction set", async () => {
  const given = { ...base, layout: LISTED, rows: 301, nListed: 200, width: 25, nQuery: 10 };
  const all: Float32Array[] = [];
  for (const isa of await testIsas({ dots: true })) {
    const p = problem({ ...given, q8: true, isa });
    // Weights next to nothing, which no product may make subnormal.
    p.qkv.forEach((x, i) => p.qkv[i] = i % 7 === 0 ? x * 2 ** -70 : i % 11 === 0 ? 40 * x : x);
    const out = await prefill(p);
    assertEquals(await decode(p), out.slice(-out.length / p.nQuery), `decode, ${isa}`);
    all.push(out);
  }
  for (const out of all.slice(1)) assertEquals(out, all[0]!);
});

Deno.test("outputs are stored as the codes of what is stored as f32, and nothing beside them", async () => {
  const turned = "k_basis_q4r64t16_basis_f16t16_v_basis_q4c64t1_basis_f16t1";
  for (
    const [layout, headDim, rows, nQuery] of [
      ...[[DENSE, 64, 40, 19], [DENSE, 32, 1, 1], [turned, 64, 80, 3]] as const,
    ]
  ) {
    const given = { ...base, layout, headDim, rows, nQuery, nCoded: layout === turned ? 64 : 0 };
    const p = problem({ ...given, q8: true, seed: rows });
    const codes = quantizedBytes(quantizeRows(await prefill(p)));
    const stored = new Uint8Array((await prefill(p, { stores_codes: 1 })).buffer);
    const rest = new Uint8Array(Float32Array.of(NaN).buffer);
    assertEquals(stored.slice(0, codes.length), codes, `${layout}, ${rows} rows`);
    assert(stored.slice(codes.length).every((byte, i) => byte === rest[i % 4]), "bytes beside");
  }
});

Deno.test("values in another basis are turned back, by prefill and by merging alike", async () => {
  const plain = "k_basis_f16t16_v_basis_f16t1";
  for (const rows of [1, 31, 33, 127, 300]) {
    await check({ ...base, layout: plain, rows, nQuery: Math.min(rows, 19), seed: rows });
  }
  for (const [group, headDim] of [[1, 16], [4, 128], [8, 32]] as const) {
    const shape = { group, headDim, nKvHeads: 2, rows: 150, nQuery: 9 };
    await check({ ...base, layout: plain, ...shape });
    const listed = "k_list_f16t16_f16t16_v_basis_f16t1_evicted";
    await check({ ...base, layout: listed, ...shape, nListed: 61, width: 5 });
  }
  const layout = "k_basis_q4r64t16_basis_f16t16_v_basis_q4c64t1_basis_f16t1";
  await check({ ...base, layout, rows: 300, nQuery: 11, nCoded: 192 });
  const p = problem({
    ...{ ...base, layout: plain, rows: 20, variant: variantNamed("sliding_window") },
    params: { window: 4 },
  });
  // Nothing to see stays nothing (oracle 7).
  for (const out of [await prefill(p, { position: FAR }), await decode(p, FAR)]) {
    assertEquals(out, new Float32Array(out.length));
  }
});

Deno.test("values with a channel list, keys and values with lists of their own", async () => {
  const plain = "k_f16t16_v_list_f16t1_f16t1";
  for (const [nListedValues, valueWidth] of [[257, 32], [0, 32], [64, 0], [300, 45], [31, 1]]) {
    const rows = nListedValues! + 45;
    const cut = { nListedValues: nListedValues!, valueWidth: valueWidth! };
    await check({ ...base, layout: plain, rows, nQuery: 11, ...cut, seed: valueWidth! + 7 });
  }
  const cut = { nListed: 61, width: 13, nListedValues: 97, valueWidth: 21 };
  for (const [group, headDim] of [[1, 16], [4, 128], [8, 48]] as const) {
    const shape = { group, headDim, nKvHeads: 2, rows: 150, nQuery: 9 };
    const few = { ...cut, width: 5, valueWidth: 7 };
    const layout = "k_list_f16t16_f16t16_v_list_f16t1_f16t1_evicted";
    await check({ ...base, layout, ...shape, ...few });
  }
  const f32 = "k_list_f32t16_f32t16_v_list_f32t1_f32t1";
  await check({ ...base, layout: f32, rows: 330, nQuery: 9, ...cut });
  for (const [bits, group, valueWidth] of [[2, 32, 48], [4, 32, 16], [8, 64, 32], [4, 16, 64]]) {
    const layout = `k_list_q2r32t16_f16t16_v_list_q${bits}c${group}t1_f16t1`;
    const rows = { nListed: 64, width: 13, nListedValues: 200, valueWidth: valueWidth! };
    await check({ ...base, layout, rows: 330, nQuery: 9, ...rows, seed: bits! });
  }
});

Deno.test("listed values read to the same bits on every instruction set", async () => {
  const layout = "k_f16t16_v_list_f16t1_f16t1";
  const given = { ...base, layout, rows: 300, nQuery: 9, nListedValues: 200, valueWidth: 39 };
  const all: Float32Array[] = [];
  for (const isa of await testIsas()) {
    const p = problem({ ...given, isa });
    const out = await prefill(p);
    assertEquals(await decode(p), out.slice(-out.length / p.nQuery), `decode, ${isa}`);
    all.push(out);
  }
  for (const out of all.slice(1)) assertEquals(out, all[0]!);
});

Deno.test("rows between which others were evicted keep their true positions", async () => {
  for (const rows of [1, 31, 33, 127, 300, 600]) {
    const nQuery = Math.min(rows, 19);
    await check({ ...base, layout: DENSE + EVICTED, rows, nQuery, seed: rows });
  }
  const list = { ...base, layout: LISTED + EVICTED, nQuery: 11, nListed: 130, width: 20 };
  await check({ ...list, rows: 300 });
  for (const [group, headDim] of [[1, 64], [4, 128], [8, 48]] as const) {
    await check({ ...list, group, headDim, nKvHeads: 2, rows: 150, nListed: 61 });
  }
  for (const { definition } of variants) {
    // A window shorter than the rows, so that what is seen depends on the positions.
    const variant = definition as Attention;
    const params = Object.fromEntries(
      Object.keys(variant.params).filter((name) => name === "window").map((name) => [name, 40]),
    );
    await check({ ...list, variant, params, rows: 300 });
  }
});

Deno.test("heads of 16 channels", async () => {
  const shape = { group: 2, headDim: 16, nKvHeads: 2, nQuery: 9 };
  await check({ ...base, ...shape, layout: LISTED, rows: 290, nListed: 130, width: 4 });
});

for (const { definition, funcs } of variants) {
  const variant = definition as Attention;
  Deno.test(`attention ${variant.name}: function, interpreter and C agree`, async () => {
    const params = variant.name === "sliding_window"
      ? { window: 40 }
      : variant.name === "softcap"
      ? { cap: 3 }
      : {};
    const given: Case = { ...base, variant, params, nKvHeads: 2, rows: 560, nQuery: 17 };
    await check(given);
    await check({ ...given, layout: LISTED, nListed: 290, width: 26 });
    await check({ ...given, q8: true });
    const p = problem(given);
    const runner = (path: string) =>
      interpreterRunner(variant, path, { func: funcs[path]!, mode: "f64" });
    const hooks = { score: runner("score"), mask: runner("mask") };
    const byFunction = reference(p, { query: 16 }).want;
    // The IR was simplified in f32 constants; otherwise it is the same f64 arithmetic.
    assertClose(reference(p, { query: 16, hooks }).want, byFunction, { bound: 1e-6 });
  });
}

Deno.test("every instruction set gives the same bits", async () => {
  const given = { ...base, layout: LISTED, rows: 300, nListed: 200, width: 26, nQuery: 10 };
  const all: Float32Array[] = [];
  for (const isa of await testIsas()) {
    const p = problem({ ...given, isa });
    const out = await prefill(p);
    assertEquals(await decode(p), out.slice(-out.length / p.nQuery), `decode, ${isa}`);
    all.push(out);
  }
  for (const out of all.slice(1)) assertEquals(out, all[0]!);
});

Deno.test("codes read to the same bits on every instruction set", async () => {
  for (const [keys, values] of [["q2r32", "q4c16"], ["q4r16", "q8c32"], ["q8r32", "q2c32"]]) {
    const layout = `k_list_${keys}t16_f16t16_v_${values}t1_f16t1`;
    const given = { ...base, layout, rows: 300, nListed: 192, nCoded: 192, width: 26, nQuery: 10 };
    const all: Float32Array[] = [];
    for (const isa of await testIsas()) {
      const p = problem({ ...given, isa });
      const out = await prefill(p);
      assertEquals(await decode(p), out.slice(-out.length / p.nQuery), `decode, ${isa}`);
      all.push(out);
    }
    for (const out of all.slice(1)) assertEquals(out, all[0]!, layout);
  }
});

for (const q8 of [false, true]) {
  Deno.test(`chunks and threads change no bit${q8 ? ", of bf16 too" : ""}`, async () => {
    const p = problem({ ...base, rows: 300, nQuery: 40, q8 });
    const whole = await prefill(p);
    assertEquals(await prefill(p, { threads: 1 }), whole, "one thread");
    const nOut = whole.length / p.nQuery;
    for (const [first, end] of [[0, 1], [1, 8], [8, 33], [33, 40]] as const) {
      const rows = 260 + end;
      const heads = p.heads.map((h) => ({
        ...h,
        keys: h.keys.slice(0, rows),
        values: h.values.slice(0, rows),
      }));
      const cache = writeCache(p.layout, heads, { headDim: 64, nNew: end - first });
      const qkv = p.qkv.slice(first * p.stride, end * p.stride);
      const part = { ...p, rows, nQuery: end - first, heads, cache, qkv };
      assertEquals(
        await prefill(part),
        whole.slice(first * nOut, end * nOut),
        `rows ${first} to ${end}`,
      );
    }
  });
}

Deno.test("other sequences of a step and spare splits change no bit", async () => {
  // Two sequences with the same rows in the cache and other queries: what they share is the call.
  const p = problem({ ...base, layout: LISTED, rows: 300, nQuery: 13, nListed: 256, width: 26 });
  const other = p.qkv.map((x) => 1 - x);
  const width = 9 * 64;
  const seq = (firstRow: number) => [13, firstRow, 287, AT.slot];
  const { out } = await runNamed(`attention_causal_prefill__${LISTED}`, {
    defines: { HEAD_DIM: 64, GROUP: 3 },
    buffers: {
      qkv: Float32Array.from([...p.qkv, ...other]),
      tiles: Uint32Array.of(1, 21, 5, 0, 0, 0, 8, 0, 1, 13, 8, 0, 0, 8, 5, 0),
      seqs: Uint32Array.of(...seq(0), ...seq(13)),
      ...buffersOf(p),
      out: new Float32Array(26 * width),
    },
    constants: { ...constantsOf(p), out_stride: width },
    step: { nRows: 26, nSeqs: 2, nTiles: 4 },
  });
  assertEquals(out!.slice(0, 13 * width), await prefill(p));
  assertEquals(out!.slice(13 * width), await prefill({ ...p, qkv: other }));

  const alone = problem({ ...base, rows: 530 });
  const spare = { ...alone, cache: { ...alone.cache, nSplits: alone.cache.nSplits + 2 } };
  assertEquals(await decode(spare), await decode(alone));
});

Deno.test("compact decode equals dense decode with the pruned channels zero (oracle 1)", async () => {
  const p = problem({ ...base, layout: LISTED, rows: 330, nListed: 280, width: 32 });
  const heads = p.heads.map((head) => {
    const kept = new Set(head.channels);
    const keys = head.keys.map((key, i) =>
      i < head.nListed ? key.map((x, c) => kept.has(c) ? x : 0) : key
    );
    return { ...head, keys, nListed: 0, channels: [] };
  });
  const dense = { ...p, layout: DENSE, cache: writeCache(DENSE, heads, { headDim: 64, nNew: 1 }) };
  const { bound } = reference(p, { query: 0 });
  // The segments are cut elsewhere, so partial sums differ by rounding (oracle 6 too).
  assertClose(await decode(p), await decode(dense), { bound: (i) => bound[i]! });
});

Deno.test("a list of every channel over whole chunks is dense, bit for bit (oracle 3)", async () => {
  const given = { ...base, rows: 512 + 33, nQuery: 9 };
  const dense = problem(given);
  const p = { ...dense, layout: LISTED, nListed: 512, width: 64 };
  const channels = Array.from({ length: 64 }, (_, c) => c);
  const heads = p.heads.map((head) => ({ ...head, nListed: 512, channels }));
  const cache = writeCache(LISTED, heads, { headDim: 64, nNew: 9 });
  assertEquals(await prefill({ ...p, heads, cache }), await prefill(dense));
});

/** A position far past the cache: to the mask, every place lies before it. */
const FAR = 1000;

Deno.test("a row that sees no key is zeros, never NaN (oracle 7)", async () => {
  // The window ends before the cache's rows start.
  const blind = { ...base, variant: variantNamed("sliding_window"), params: { window: 4 } };
  const cases: Case[] = [
    ...[1, 20, 300].map((rows) => ({ ...blind, rows, seed: rows })),
    { ...blind, layout: LISTED, rows: 300, nListed: 200, width: 26 },
    ...[1, 3, 4, 8].map((group) => ({ ...blind, group, headDim: 16, rows: 33, seed: group })),
  ];
  for (const given of cases) {
    const p = problem(given);
    for (const out of [await prefill(p, { position: FAR }), await decode(p, FAR)]) {
      assertEquals(out, new Float32Array(out.length), `${given.rows} rows, group ${given.group}`);
    }
  }
});

Deno.test("rows behind a query's own do not count, even where the mask lets them through", async () => {
  const p = problem({ ...base, rows: 20, nQuery: 3 });
  const out = await prefill(p, { position: FAR });
  const nOut = out.length / p.nQuery;
  for (let query = 0; query < p.nQuery; query++) {
    const { bound, want } = reference(p, { query });
    const got = out.subarray(query * nOut, (query + 1) * nOut);
    assertClose(got, want, { bound: (i) => bound[i]!, label: `query ${query}` });
  }
});

Deno.test("the cache of the tests reads back what was written", () => {
  const { cache, heads } = problem({ ...base, rows: 3 });
  assertEquals(
    stored(heads[0]!.keys[0]![0]!, cache.layout.key.segments[0]!),
    heads[0]!.keys[0]![0]!,
  );
});
