/**
 * Token scores as C against the f64 reference: the window's softmax, every variant's score by function and
 * interpreter, anchors; over lists of channels, gaps between positions and memory that holds NaN.
 */

import { assert, assertEquals } from "@std/assert";
import { columnSums, hasStatistic, resolveParams, rowBitsOf, stepOf } from "../../src/dsl/mod.ts";
import type { Pruning } from "../../src/dsl/mod.ts";
import { testIsas } from "../../src/device/testing.ts";
import type { Isa, TypedArray } from "../../src/device/testing.ts";
import { emitKernel } from "../../src/emit/emit_kernels.ts";
import { openTemplates } from "../../src/emit/environment.ts";
import { classScores, tokenScores } from "../../src/emit/families/token_scores.ts";
import { loadSources } from "../../src/emit/sources.ts";
import { c } from "../../src/emit/targets/c/mod.ts";
import type { Family, KernelSource } from "../../src/emit/types.ts";
import { openFrontend } from "../../src/frontend/mod.ts";
import {
  authorRunner,
  interpreterRunner,
  meanUnitKeyReference,
  tokenScoresReference,
  windowWeightsReference,
} from "../../src/reference/mod.ts";
import type { HookRunner, TokenScoresInput } from "../../src/reference/mod.ts";
import { projectRoot } from "../../src/sys/cache_dir.ts";
import { assertClose } from "../_close.ts";
import { randomFrom, renderNamed, runEmitted } from "../_kernel.ts";
import { AT, writeCache } from "../_kv_cache.ts";
import type { HeadRows } from "../_kv_cache.ts";
import { asStored } from "../_stored_rows.ts";

const DENSE = "k_f16t16_v_f16t1_evicted";
const LISTED = "k_list_f16t16_f16t16_v_f16t1_evicted";
/** Rows in classes, of which the older are codes. */
const CLASSES = "k_list_mean_q42r64t16_list_mean_q42r64t16_f16t16_v_q4c64t1_q2c64t1_f16t1";
const N_KV_HEADS = 2;

interface Case {
  readonly rows: number;
  /** Places of the ring, and how many queries were seen. */
  readonly window: number;
  readonly nWindow?: number;
  readonly group?: number;
  readonly headDim?: number;
  readonly layout?: string;
  readonly nListed?: number;
  readonly nCoded?: number;
  readonly nFirst?: number;
  /** How many of the full rows are scored; default: all. */
  readonly nDue?: number;
  readonly isa?: Isa;
  readonly threads?: number;
}

const root = projectRoot();
const { sources } = await loadSources(root);
const templates = openTemplates(`${root}/templates`);
const classesOf = ({ definition }: KernelSource) =>
  definition.kind === "pruning" ? rowBitsOf(definition as Pruning) : null;
const variants = sources.filter(({ definition }) =>
  definition.kind === "pruning" && stepOf(definition as Pruning, "tokens") !== null
);

function problem(given: Case) {
  const { rows, window, group = 3, headDim = 64, layout = DENSE, nListed = 0 } = given;
  const { nCoded = 0, nFirst = 0 } = given;
  const hasGaps = layout.includes("_evicted");
  const random = randomFrom(rows * 31 + group);
  const channels = Array.from({ length: headDim }, (_, i) => i).filter((i) => i % 3 !== 1);
  // Every third row was evicted; heads differ in how many rows they have.
  const heads = Array.from({ length: N_KV_HEADS }, (_, head): HeadRows => {
    const n = Math.max(1, rows - 7 * head);
    const row = (gain: number) =>
      Float32Array.from(
        { length: headDim },
        (_, c) => Math.f16round(gain * random() * (c === 3 ? 4 : 1)),
      );
    return {
      keys: Array.from({ length: n }, () => row(2)),
      values: Array.from({ length: n }, () => row(1)),
      ...{ nListed: Math.min(nListed, n), nCoded, nFirst },
      channels,
      high: 7,
      positions: Array.from({ length: n }, (_, i) => hasGaps ? i + Math.floor(i / 2) : i),
    };
  });
  const nTokens = hasGaps ? rows + Math.floor(rows / 2) + 1 : rows;
  const nWindow = given.nWindow ?? Math.min(window, nTokens);
  const nHeads = group * N_KV_HEADS;
  const ring = new Float32Array(AT.nSlots * AT.nLayers * nHeads * window * headDim).fill(NaN);
  const queryPositions = Array.from({ length: nWindow }, (_, i) => nTokens - nWindow + i);
  const queries = Array.from({ length: nHeads }, (_, head) =>
    queryPositions.map((position) => {
      const row = Float32Array.from({ length: headDim }, () => 2 * random());
      const first = ((AT.slot * AT.nLayers + AT.layer) * nHeads + head) * window;
      ring.set(row, (first + position % window) * headDim);
      return row;
    }));
  // Sums in eighths, so that a mean of group heads is a quotient's rounding away.
  const sums = heads.map(({ keys }) => keys.map(() => Math.round(64 + 64 * random()) / 8));
  const carrying = heads.map((head, kvHead) => ({ ...head, sums: sums[kvHead]! }));
  const cache = writeCache(layout, carrying, { headDim });
  const stored = heads.map((head, kvHead) =>
    asStored(cache, head, { kvHead, nKvHeads: N_KV_HEADS, headDim })
  );
  const nMost = Math.max(...heads.map(({ keys }) => keys.length));
  const logits = Float32Array.from({ length: nHeads * nMost }, () => 3 * random());
  return {
    ...{ heads: stored, queries, queryPositions, ring, cache, sums, logits },
    ...{ nTokens, nWindow, group, headDim, nCoded, nDue: given.nDue ?? Infinity },
  };
}

type Problem = ReturnType<typeof problem>;

/** What a softmax of this largest logit and this sum expects of a row, in the mean of the group's heads. */
const [LARGEST, WEIGHTS] = [2, 1.5];
const expectedOf = (p: Problem, kvHead: number, row: number) => {
  const heads = Array.from({ length: p.group }, (_, g) => kvHead * p.group + g);
  const weights = heads.map((head) => Math.exp(p.logits[head * maxRows(p) + row]! - LARGEST));
  return weights.reduce((sum, weight) => sum + weight / WEIGHTS, 0) / p.group;
};

/** One KV head as the reference takes it: channels that the list lacks are zero. */
function inputOf(p: Problem, kvHead: number, score: HookRunner, params = {}): TokenScoresInput {
  const { keys, values, positions, nListed, channels } = p.heads[kvHead]!;
  const kept = new Set(channels);
  return {
    queries: p.queries.slice(kvHead * p.group, (kvHead + 1) * p.group),
    queryPositions: p.queryPositions,
    keys: keys.map((key, i) =>
      i < nListed && !p.cache.fills ? key.map((x, c) => kept.has(c) ? x : 0) : key
    ),
    values,
    positions: positions!,
    expected: p.sums[kvHead]!.map((_, row) => expectedOf(p, kvHead, row)),
    attention: p.sums[kvHead]!.map((sum) => columnSums().finish(sum, p.group)),
    scale: 1 / Math.sqrt(p.headDim),
    score,
    context: { ...params, layer: AT.layer, kvHead },
  };
}

const maxRows = (p: Problem) => Math.min(p.nDue, p.heads[0]!.keys.length - p.nCoded);

function poolOf(p: Problem, given: Case) {
  const { layout, buffers, constants, firstPages } = p.cache;
  const nKey = layout.key.segments.length;
  const pages = firstPages.map((page, i) =>
    [i < nKey ? `key_page_${i}` : `value_page_${i - nKey}`, page] as const
  );
  return {
    buffers: {
      ...{ ...buffers, q_ring: p.ring, expected_logits: p.logits },
      expected_sums: Float32Array.from(p.queries.flatMap(() => [LARGEST, WEIGHTS])),
      ...(p.cache.fills ? { fills: p.cache.fills } : {}),
    } as Record<string, TypedArray>,
    constants: {
      ...constants,
      ...Object.fromEntries(pages),
      slot: AT.slot,
      n_heads: p.group * N_KV_HEADS,
      n_kv_heads: N_KV_HEADS,
      window: given.window,
      n_window: p.nWindow,
      n_tokens: p.nTokens,
      scale: 1 / Math.sqrt(p.headDim),
      max_rows: maxRows(p),
      // Only full rows of classes are scored, else every segment may end in a tile of its own.
      n_tiles: Math.ceil(maxRows(p) / 16) + (layout.rowPositions ? nKey - 1 : 0),
    } as Record<string, number>,
  };
}

/** Runs a kernel with what its signature names of the pool. */
async function run(
  kernel: Awaited<ReturnType<typeof renderNamed>>,
  p: Problem,
  given: Case,
  extra: { buffers: Record<string, TypedArray>; constants?: Record<string, number> },
): Promise<Record<string, TypedArray>> {
  const pool = poolOf(p, given);
  const { signature } = kernel.entry;
  const pick = <T>(names: readonly { name: string }[], from: Record<string, T>) =>
    Object.fromEntries(names.map(({ name }) => {
      assert(name in from, `${signature.name} wants ${name}`);
      return [name, from[name]!];
    }));
  return await runEmitted(kernel, {
    ...(given.isa ? { isa: given.isa } : {}),
    ...(given.threads ? { threads: given.threads } : {}),
    defines: Object.fromEntries(
      signature.defines.map((name) => [name, { HEAD_DIM: p.headDim, GROUP: p.group }[name]!]),
    ),
    buffers: pick(signature.bindings, { ...pool.buffers, ...extra.buffers }),
    constants: pick(signature.constants, { ...pool.constants, ...extra.constants }),
  }) as Record<string, TypedArray>;
}

async function windowSums(p: Problem, given: Case): Promise<Float32Array> {
  const kernel = await renderNamed(`window_softmax__${given.layout ?? DENSE}`);
  const window_sums = new Float32Array(p.queries.length * p.nWindow * 2).fill(NaN);
  return (await run(kernel, p, given, { buffers: { window_sums } }))["window_sums"] as Float32Array;
}

/**
 * How far a weight may be off, relative: a logit of size s by headDim + 2 roundings of Σ|q k| ≤ s, twice
 * that of its exponential and once of the sum's; then the sums themselves.
 */
function weightError(p: Problem): number {
  let size = 0;
  p.queries.forEach((window, head) => {
    const { keys } = p.heads[Math.floor(head / p.group)]!;
    for (const q of window) {
      for (const key of keys) {
        let sum = 0;
        for (let ch = 0; ch < p.headDim; ch++) sum += Math.abs(q[ch]! * key[ch]!);
        size = Math.max(size, sum);
      }
    }
  });
  const logit = (p.headDim + 2) * size / Math.sqrt(p.headDim);
  return 2 ** -24 * (4 * logit + p.heads[0]!.keys.length + 64);
}

async function checkWindow(given: Case): Promise<void> {
  const p = problem(given);
  const sums = await windowSums(p, given);
  for (let head = 0; head < p.queries.length; head++) {
    const input = inputOf(p, Math.floor(head / p.group), () => [0]);
    const weights = windowWeightsReference(input, p.queries[head]!);
    weights.forEach((row, query) => {
      // The largest weight is 1 over the sum of e^(logit − largest).
      const sum = sums[2 * (head * p.nWindow + query) + 1]!;
      assertClose([1 / sum], [Math.max(...row)], {
        bound: weightError(p),
        label: `head ${head}, query ${query} of ${given.rows} rows`,
      });
    });
  }
}

async function scoresOf(
  source: KernelSource,
  given: Case,
  { params, family = tokenScores }: Pick<Scored, "family"> & {
    readonly params: Record<string, number>;
  },
) {
  const p = problem(given);
  const layout = given.layout ?? DENSE;
  const [head] = family.heads(source);
  const request = { head: head!, suffixes: [layout] };
  const kernel = await emitKernel({ source, family, request }, [c], templates);
  const names = kernel.entry.signature.bindings.map(({ name }) => name);
  const perQueryHead = names.includes("window_sums");
  const n = perQueryHead ? p.queries.length : N_KV_HEADS;
  const buffers: Record<string, TypedArray> = {
    row_scores: new Float32Array(n * maxRows(p)).fill(-7),
    ...(perQueryHead ? { window_sums: await windowSums(p, given) } : {}),
    ...(names.includes("anchors") ? { anchors: await anchors(p, given) } : {}),
  };
  const { row_scores } = await run(kernel, p, given, { buffers, constants: params });
  return { p, perQueryHead, scores: row_scores as Float32Array };
}

async function anchors(p: Problem, given: Case): Promise<Float32Array> {
  const kernel = await renderNamed(`key_anchors__${given.layout ?? DENSE}`);
  const anchors = new Float32Array(N_KV_HEADS * (p.headDim + 16)).fill(NaN);
  return (await run(kernel, p, given, { buffers: { anchors } }))["anchors"] as Float32Array;
}

/** A variant's defaults with the case's window: the ring has as many places. */
function paramsOf({ name, params }: Pruning, { window }: Case) {
  return resolveParams(name, params, Object.hasOwn(params, "window") ? { window } : {});
}

/** Which scores are checked: by default a token step's. */
interface Scored {
  readonly family?: Family;
  readonly path?: string;
}

/** The case over rows that have sums, where the variant's score reads them. */
function caseOf({ definition }: KernelSource, given: Case): Case {
  const step = stepOf(definition as Pruning, "tokens")?.step;
  const readsSums = step !== undefined && hasStatistic(step, "columnSums");
  return readsSums ? { ...given, layout: `${given.layout ?? DENSE}_summed` } : given;
}

async function checkScores(
  source: KernelSource,
  cases: readonly Case[],
  { family = tokenScores, path = `steps[${tokensIndex(source)}].score` }: Scored = {},
): Promise<void> {
  const variant = source.definition as Pruning;
  for (const given of cases.map((own) => caseOf(source, own))) {
    const params = paramsOf(variant, given);
    const { p, perQueryHead, scores } = await scoresOf(source, given, { params, family });
    const width = maxRows(p);
    for (let kvHead = 0; kvHead < N_KV_HEADS; kvHead++) {
      const runners = [authorRunner(variant, path)];
      if (given.rows <= 33) {
        runners.push(interpreterRunner(variant, path, { func: source.funcs[path]!, mode: "f64" }));
      }
      for (const score of runners) {
        const want = tokenScoresReference(inputOf(p, kvHead, score, params));
        const rows = perQueryHead ? want : want.slice(0, 1);
        rows.forEach((all, g) => {
          const values = all.slice(p.nCoded).slice(0, width);
          const at = (perQueryHead ? kvHead * p.group + g : kvHead) * width;
          // A sum of weights is off by as much as they are; sums over channels by a rounding each.
          const error = perQueryHead ? weightError(p) : 2 ** -24 * (p.headDim + 64);
          assertClose(scores.subarray(at, at + values.length), values, {
            bound: (i) => Math.abs(values[i]!) * error + (perQueryHead ? 1e-30 : 4e-6),
            label: `${variant.name}, KV head ${kvHead}, ${given.rows} rows`,
          });
          const rest = scores.subarray(at + values.length, at + width);
          assertEquals(rest, rest.map(() => -7), "rows that are not there have no score");
        });
      }
    }
  }
}

const tokensIndex = ({ definition }: KernelSource) =>
  stepOf(definition as Pruning, "tokens")!.index;

const CASES: readonly Case[] = [
  ...[1, 31, 33, 127, 300].map((rows) => ({ rows, window: 32 })),
  { rows: 300, window: 1, group: 1, headDim: 128 },
  { rows: 70, window: 7, nWindow: 3, group: 4, headDim: 48 },
  { rows: 70, window: 40, group: 8 },
  { rows: 150, window: 9, layout: LISTED, nListed: 61 },
  { rows: 40, window: 9, layout: LISTED, nListed: 40 },
  { rows: 70, window: 8, layout: "k_f32t16_v_f32t1_evicted" },
];

Deno.test("window_softmax: every query's softmax over all rows, causal by positions", async () => {
  for (const given of CASES) await checkWindow(given);
});

/** Full rows behind classes, behind none, a class of no rows, and nothing but full rows. */
const CLASS_CASES: readonly Case[] = [
  { rows: 300, window: 32, nCoded: 192, nFirst: 64 },
  { rows: 200, window: 32, nCoded: 64, nFirst: 64, nDue: 48, group: 4 },
  { rows: 190, window: 32, nCoded: 128, nFirst: 64, layout: `${CLASSES}_evicted` },
  { rows: 170, window: 9, nCoded: 128, nFirst: 0, group: 1, headDim: 128 },
  { rows: 170, window: 31, nCoded: 128, nFirst: 128, group: 8, headDim: 48 },
  ...[1, 31, 33, 127].map((rows) => ({ rows, window: 32, group: 4 })),
].map((given: Case) => ({ layout: CLASSES, nListed: given.nCoded ?? 0, ...given }));

Deno.test("window_softmax reads codes of both classes; full rows' places are positions, or carried", async () => {
  for (const given of CLASS_CASES) await checkWindow(given);
  const listed = "k_list_q2r32t16_list_q2r32t16_f16t16_v_q4c64t1_q2c64t1_f16t1";
  await checkWindow({ rows: 150, window: 9, layout: listed, nListed: 96, nCoded: 96, nFirst: 32 });
});

for (const source of sources.filter((s) => classesOf(s) !== null)) {
  const { definition: { name } } = source;
  Deno.test(`class scores of ${name}: function, interpreter and C agree on full rows`, async () => {
    const own = { family: classScores, path: classesOf(source)!.path };
    await checkScores(source, CLASS_CASES, own);
    for (const isa of await testIsas()) {
      const given = { ...CLASS_CASES[0]!, isa };
      const params = paramsOf(source.definition as Pruning, given);
      const { scores } = await scoresOf(source, given, { params, family: classScores });
      const one = await scoresOf(source, { ...given, threads: 1 }, { params, family: classScores });
      assertEquals(scores, one.scores, isa);
    }
  });
}

for (const source of variants) {
  const { name } = source.definition;
  Deno.test(`token scores of ${name}: function, interpreter and C agree`, () =>
    checkScores(source, CASES));
}

async function fixture(name: string): Promise<KernelSource> {
  const path = `tests/fixtures/score/${name}.ts`;
  const result = await openFrontend(root, { kernels: "tests/fixtures" }).lowerFile(path);
  if (!result.ok) throw new Error(JSON.stringify(result.diagnostics));
  return { ...result.lowered, authored: [], doc: [] };
}

Deno.test("a score that reads key, value, weights, position, heads, anchor and parameters", async () => {
  await checkScores(await fixture("token_context"), CASES);
});

Deno.test("key_anchors: the mean of unit keys and its norm; a key of zeros adds nothing", async () => {
  for (const given of CASES) {
    const p = problem(given);
    p.heads[0]!.keys[0]!.fill(0);
    const own = { ...p, cache: writeCache(given.layout ?? DENSE, p.heads, { headDim: p.headDim }) };
    const got = await anchors(own, given);
    for (let kvHead = 0; kvHead < N_KV_HEADS; kvHead++) {
      const want = meanUnitKeyReference(inputOf(own, kvHead, () => [0]).keys);
      const at = kvHead * (p.headDim + 16);
      // A norm of headDim squares, a quotient, a sum over rows: each element is at most 1 before the mean.
      const bound = 2 ** -24 * (p.headDim + given.rows + 8);
      assertClose(got.subarray(at, at + p.headDim), want, { bound, label: "anchor" });
      const norm = Math.sqrt(want.reduce((sum, x) => sum + x * x, 0));
      assertClose([got[at + p.headDim]!], [norm], { bound: bound * p.headDim, label: "its norm" });
    }
  }
});

Deno.test("token scores have the same bits on every instruction set and on one thread", async () => {
  const source = await fixture("token_context");
  const given: Case = { rows: 150, window: 9, layout: LISTED, nListed: 61 };
  const params = paramsOf(source.definition as Pruning, given);
  const { scores: want } = await scoresOf(source, { ...given, threads: 1 }, { params });
  for (const isa of await testIsas()) {
    assertEquals((await scoresOf(source, { ...given, isa }, { params })).scores, want, isa);
  }
});

Deno.test("token scores run on every instruction set, a variant on one of them", async () => {
  const isas = await testIsas();
  for (const [i, own] of variants.entries()) {
    const short = { rows: 20, window: 4, isa: isas[i % isas.length]! };
    await scoresOf(own, caseOf(own, short), {
      params: paramsOf(own.definition as Pruning, short),
    });
  }
});
