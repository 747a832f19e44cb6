/**
 * Scores of rows as C: every variant's by its function and the interpreter, those that order rows in classes too;
 * the same bits on every instruction set and on one thread.
 */

import { assertEquals } from "@std/assert";
import { hasStatistic, resolveParams, rowBitsOf, stepOf } from "../../src/dsl/mod.ts";
import type { Pruning } from "../../src/dsl/mod.ts";
import { testIsas } from "../../src/device/testing.ts";
import type { TypedArray } from "../../src/device/testing.ts";
import { emitKernel } from "../../src/emit/emit_kernels.ts";
import { openTemplates } from "../../src/emit/environment.ts";
import { classScores, tokenScores } from "../../src/emit/families/token_scores.ts";
import { loadSources } from "../../src/emit/sources.ts";
import { c } from "../../src/emit/targets/c/mod.ts";
import type { Family, KernelSource } from "../../src/emit/types.ts";
import { openFrontend } from "../../src/frontend/mod.ts";
import { authorRunner, interpreterRunner, tokenScoresReference } from "../../src/reference/mod.ts";
import { projectRoot } from "../../src/sys/cache_dir.ts";
import { assertClose } from "../_close.ts";
import {
  anchors,
  CASES,
  CLASS_CASES,
  DENSE,
  inputOf,
  LISTED,
  maxRows,
  N_KV_HEADS,
  problem,
  runOn,
  weightError,
  windowSums,
} from "../_scored_rows.ts";
import type { Case } from "../_scored_rows.ts";

const root = projectRoot();
const { sources } = await loadSources(root);
const templates = openTemplates(`${root}/templates`);
const classesOf = ({ definition }: KernelSource) =>
  definition.kind === "pruning" ? rowBitsOf(definition as Pruning) : null;
const variants = sources.filter(({ definition }) =>
  definition.kind === "pruning" && stepOf(definition as Pruning, "tokens") !== null
);

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
  const { row_scores } = await runOn(kernel, p, given, { buffers, constants: params });
  return { p, perQueryHead, scores: row_scores as Float32Array };
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
