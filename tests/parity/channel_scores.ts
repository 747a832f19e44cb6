/**
 * Channel scores of every pruning variant as C against the f64 reference, function and interpreter; then
 * a variant with several reductions of both columns, which no shipped one has.
 */

import { assertEquals } from "@std/assert";
import { channelHooks, resolveParams, tableView } from "../../src/dsl/mod.ts";
import type { ChannelHook, Pruning } from "../../src/dsl/mod.ts";
import { testIsas } from "../../src/device/testing.ts";
import type { Isa, TypedArray } from "../../src/device/testing.ts";
import { emitKernel } from "../../src/emit/emit_kernels.ts";
import { openTemplates } from "../../src/emit/environment.ts";
import { channelScores } from "../../src/emit/families/channel_scores.ts";
import { loadSources } from "../../src/emit/sources.ts";
import { c } from "../../src/emit/targets/c/mod.ts";
import type { KernelSource } from "../../src/emit/types.ts";
import { openFrontend } from "../../src/frontend/mod.ts";
import {
  authorRunner,
  channelScoresReference,
  interpreterRunner,
} from "../../src/reference/mod.ts";
import type { HookRunner } from "../../src/reference/mod.ts";
import { projectRoot } from "../../src/sys/cache_dir.ts";
import { caseTable } from "../../src/verify/hooks.ts";
import { assertClose } from "../_close.ts";
import { randomFrom, runEmitted } from "../_kernel.ts";
import { AT, writeCache } from "../_kv_cache.ts";
import type { HeadRows } from "../_kv_cache.ts";

const LAYOUT = "k_list_f16t16_f16t16_v_f16t1";
const N_KV_HEADS = 2;

const { sources } = await loadSources(projectRoot());
const variants = sources.filter(({ definition }) =>
  definition.kind === "pruning" &&
  channelHooks(definition as Pruning).some(({ of }) => of === "key")
);
const templates = openTemplates(`${projectRoot()}/templates`);

/** A variant of the tests' own, which kernels/ does not have. */
async function fixture(name: string): Promise<KernelSource> {
  const path = `tests/fixtures/score/${name}.ts`;
  const result = await openFrontend(projectRoot(), { kernels: "tests/fixtures" }).lowerFile(path);
  if (!result.ok) throw new Error(JSON.stringify(result.diagnostics));
  return { ...result.lowered, authored: [], doc: [] };
}

interface Case {
  readonly rows: number;
  /** Places of the ring, and queries in it. */
  readonly window: number;
  readonly nWindow: number;
  readonly group?: number;
  readonly headDim?: number;
  readonly layout?: string;
  readonly isa?: Isa;
  readonly threads?: number;
}

function problem({ rows, window, nWindow, group = 3, headDim = 64, layout = LAYOUT }: Case) {
  const random = randomFrom(rows + window);
  const row = () =>
    Float32Array.from(
      { length: headDim },
      (_, c) => Math.f16round(random() * (c === 3 ? 90 : c === 5 ? 0 : 1)),
    );
  const heads = Array.from({ length: N_KV_HEADS }, (): HeadRows => {
    const keys = Array.from({ length: rows }, row);
    return { keys, values: keys, nListed: 0, channels: [] };
  });
  const nHeads = N_KV_HEADS * group;
  const ring = new Float32Array(AT.nSlots * AT.nLayers * nHeads * window * headDim).fill(NaN);
  const start = (AT.slot * AT.nLayers + AT.layer) * nHeads * window * headDim;
  const queries = Array.from(
    { length: nHeads },
    (_, h) =>
      Array.from({ length: nWindow }, (_, i) => {
        const query = row();
        ring.set(query, start + (h * window + i) * headDim);
        return query;
      }),
  );
  return {
    heads,
    queries,
    ring,
    group,
    headDim,
    layout,
    cache: writeCache(layout, heads, { headDim }),
  };
}

const dimsOf = ({ group, headDim }: ReturnType<typeof problem>) => ({
  nLayers: AT.nLayers,
  nHeads: N_KV_HEADS * group,
  nKvHeads: N_KV_HEADS,
  headDim,
  nCtx: 4096,
});

async function run(source: KernelSource, given: Case, params: Record<string, number>) {
  const p = problem(given);
  const variant = source.definition as Pruning;
  const at = (AT.slot * AT.nLayers + AT.layer) * N_KV_HEADS * p.headDim;
  const { pages, heads, arena } = p.cache.buffers;
  const request = { head: `channel_scores_${variant.name}`, suffixes: [p.layout] };
  const kernel = await emitKernel(
    { source, family: channelScores, request },
    [c],
    templates,
  );
  // Tables that only a budget reads are none of its buffers.
  const tables = Object.entries(variant.tables)
    .filter(([name]) => kernel.entry.signature.bindings.some((binding) => binding.name === name))
    .map(([name, spec]) => [name, caseTable(name, spec, dimsOf(p))] as const);
  const buffers: Record<string, TypedArray> = {
    q_ring: p.ring,
    pages,
    heads,
    arena,
    ...Object.fromEntries(tables),
    scores: new Float32Array(AT.nSlots * AT.nLayers * N_KV_HEADS * p.headDim),
  };
  const constants: Record<string, number> = {
    ...params,
    ...p.cache.constants,
    slot: AT.slot,
    n_heads: N_KV_HEADS * p.group,
    n_kv_heads: N_KV_HEADS,
    key_page: p.cache.firstPages[p.cache.layout.key.segments.length - 1]!,
    window: given.window,
    n_window: given.nWindow,
  };
  const written = await runEmitted(kernel, {
    ...(given.isa ? { isa: given.isa } : {}),
    ...(given.threads ? { threads: given.threads } : {}),
    defines: { HEAD_DIM: p.headDim, GROUP: p.group },
    buffers,
    // Parameters that the score does not read are no constants of its kernel.
    constants: Object.fromEntries(
      kernel.entry.signature.constants.map(({ name }) => [name, constants[name]!]),
    ),
  });
  const scores = written["scores"] as Float32Array;
  return { p, scores: scores.subarray(at, at + N_KV_HEADS * p.headDim) };
}

function reference(
  variant: Pruning,
  p: ReturnType<typeof problem>,
  options: { score: HookRunner; params: Record<string, number> },
): Float64Array {
  const out = new Float64Array(N_KV_HEADS * p.headDim);
  const dims = dimsOf(p);
  const tables = Object.fromEntries(
    Object.entries(variant.tables).map(([name, spec]) => {
      const sizes = spec.shape.map((dim) => dims[dim]);
      return [name, tableView(caseTable(name, spec, dims), sizes)];
    }),
  );
  for (let kvHead = 0; kvHead < N_KV_HEADS; kvHead++) {
    const scores = channelScoresReference({
      queries: p.queries.slice(kvHead * p.group, (kvHead + 1) * p.group),
      keys: p.heads[kvHead]!.keys,
      headDim: p.headDim,
      group: channelHooks(variant)[0]!.group,
      score: options.score,
      context: { ...options.params, ...tables, layer: AT.layer, kvHead },
    });
    out.set(scores, kvHead * p.headDim);
  }
  return out;
}

/** Sums of n positive terms in f32: each addition half a unit, and few more for the rest. */
const boundOf = (want: Float64Array, { rows, window, group = 3 }: Case) => (i: number) =>
  Math.abs(want[i]!) * 2 ** -24 * (rows / 16 + rows / 256 + window + group + 24) + 1e-30;

async function check(source: KernelSource, cases: readonly Case[]): Promise<void> {
  const variant = source.definition as Pruning;
  const [{ path }] = channelHooks(variant) as [ChannelHook];
  for (const given of cases) {
    const names = Object.keys(variant.params).filter((name) => name === "window");
    const own = Object.fromEntries(names.map((name) => [name, given.window]));
    const params = resolveParams(variant.name, variant.params, own);
    const { p, scores } = await run(source, given, params);
    const want = reference(variant, p, { score: authorRunner(variant, path), params });
    const label = `${variant.name}, ${given.rows} rows`;
    assertClose(scores, want, { bound: boundOf(want, given), label });
    if (given.rows > 33) continue;
    const score = interpreterRunner(variant, path, { func: source.funcs[path]!, mode: "f64" });
    const interpreted = reference(variant, p, { score, params });
    assertClose(interpreted, want, { bound: boundOf(want, given), label: `${label}, interpreter` });
  }
}

const CASES: readonly Case[] = [
  ...[1, 31, 33, 127, 257, 600].map((rows) => ({ rows, window: 32, nWindow: Math.min(rows, 32) })),
  { rows: 300, window: 1, nWindow: 1, group: 1, headDim: 128 },
  { rows: 70, window: 7, nWindow: 3, group: 4, headDim: 48 },
  { rows: 70, window: 8, nWindow: 8, layout: "k_list_f32t16_f32t16_v_f32t1" },
];

for (const source of variants) {
  const { name } = source.definition;
  // The interpreter's, and of more chunks than `verify` has, which measures the variants in the other cases.
  const cases = CASES.filter(({ rows }) => rows === 33 || rows === 600);
  Deno.test(`scores of ${name}: function, interpreter and C agree`, () => check(source, cases));
}

Deno.test("a score of many reductions, a table and its whole context", async () => {
  await check(await fixture("many_reductions"), CASES);
});

Deno.test("a score whose reductions do not count their elements", async () => {
  await check(await fixture("largest"), CASES);
});

Deno.test("scores have the same bits on every instruction set and on one thread", async () => {
  const think = variants.find((s) => s.definition.name === "think")!;
  const given = { rows: 290, window: 32, nWindow: 32 };
  const { scores: want } = await run(think, { ...given, threads: 1 }, {});
  for (const isa of await testIsas()) {
    assertEquals((await run(think, { ...given, isa }, {})).scores, want, isa);
  }
});

Deno.test("scores of full rows behind channels and rows in classes, and behind thin rows", async () => {
  const classes = "k_list_mean_q42r64t16_list_mean_q42r64t16_f16t16_v_q4c64t1_q2c64t1_f16t1";
  const layouts = { think_bits: classes, spark: "k_bitmap_mean_f16t1_f16t16_v_f16t1" };
  for (const [name, layout] of Object.entries(layouts)) {
    const source = variants.find((s) => s.definition.name === name)!;
    await check(source, [{ rows: 70, window: 8, nWindow: 8, layout }]);
  }
});
