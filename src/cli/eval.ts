/**
 * `deno task eval`: what specs cost in quality, bytes and speed. Results are kept as they are measured, so
 * what was interrupted goes on where it stopped.
 */

import { dirname, join } from "@std/path";
import { formatDuration } from "../core/duration.ts";
import { KerfError } from "../core/error.ts";
import type { Loaded } from "../engine/load.ts";
import { prunePlan } from "../engine/prune_plan.ts";
import { appendResult, evaluate, FULL, readResults, reportOfLengths } from "../eval/mod.ts";
import type { EvalCase, EvalResult, EvalSpec, EvaluateOptions, ResultLine } from "../eval/mod.ts";
import { createTokenizer } from "../model/tokenizer.ts";
import { cacheDir } from "../sys/cache_dir.ts";
import type { ParsedArgs } from "./args.ts";
import { UNKNOWN_COMMIT } from "./commit.ts";
import { evalCases } from "./eval/cases.ts";
import { identityOf } from "./eval/identity.ts";
import { keptMaps } from "./eval/kept_maps.ts";
import { evalFlags } from "./eval/options.ts";
import { reportText } from "./eval/table.ts";
import { readHeader } from "./inspect/header.ts";
import type { Header } from "./inspect/header.ts";
import { loadWithProgress } from "./load_flags.ts";
import { runCommandLine } from "./main.ts";
import { reportPath } from "./report_path.ts";
import { userPath } from "./root.ts";
import { openProgress, writeError, writeOut } from "./terminal.ts";

/** Logits read at once: 64 rows of the default model are 12 MB. */
const LOGIT_ROWS = 64;

/** The context that the longest case needs. @throws {KerfError} the model does not know as many positions */
function contextOf(cases: readonly EvalCase[], { config }: Header): number {
  const nCtx = Math.max(...cases.map(({ prompt, nFollowing }) => prompt.length + nFollowing));
  if (nCtx <= config.nCtx) return nCtx;
  throw new KerfError(
    `Cannot evaluate ${nCtx} tokens in a row: the model knows ${config.nCtx} positions`,
    { hint: "lower -p, -n or -c", exitCode: 2 },
  );
}

/** Every spec in its shortest form, opened when it is needed, over the first one's weights. */
async function specsOf(
  specs: readonly string[],
  first: Loaded,
  dims: Parameters<typeof prunePlan>[1],
): Promise<{ specs: EvalSpec[]; full: EvalSpec }> {
  const opened = new Map<string, Promise<Loaded>>([[FULL, Promise.resolve(first)]]);
  const of = (spec: string): EvalSpec => ({
    spec,
    open() {
      const loaded = opened.get(spec) ?? first.withPrune(spec);
      opened.set(spec, loaded);
      return loaded;
    },
  });
  const names = await Promise.all(specs.map(async (spec) => (await prunePlan(spec, dims)).spec));
  return { specs: [...new Set(names)].map(of), full: of(FULL) };
}

/** Where results go unless a file is named. */
const defaultResults = () => join(cacheDir(), "eval", "results.jsonl");

/** Where the time went. @param ms all of it */
function timesText(results: readonly EvalResult[], ms: number): string {
  const sum = (name: "prefillMs" | "compressMs" | "measureMs") =>
    results.reduce((total, result) => total + result[name], 0);
  const [prefill, compress, measure] = [sum("prefillMs"), sum("compressMs"), sum("measureMs")];
  const parts = {
    "prefill": prefill,
    "compression": compress,
    "tokens behind it and their comparison": measure,
    "loading and the rest": ms - prefill - compress - measure,
  };
  const texts = Object.entries(parts).map(([name, part]) => `${name} ${formatDuration(part)}`);
  return `took ${formatDuration(ms)}: ${texts.join(", ")}`;
}

/** What was measured, or known already, and what there was no time for. */
interface Outcome {
  /** Of the specs asked for. */
  readonly results: readonly EvalResult[];
  /** Everything that was measured now. */
  readonly measured: readonly EvalResult[];
  readonly leftOut: readonly EvalCase[];
}

/** Results spec by spec and case by case: sums and resampling have an order, whatever was known before. */
function inOrder(results: readonly EvalResult[], { specs, cases }: EvaluateOptions): EvalResult[] {
  const places = new Map(cases.map(({ protocol, passage }, i) => [`${protocol} ${passage}`, i]));
  const caseOf = ({ protocol, passage }: EvalResult) => places.get(`${protocol} ${passage}`)!;
  const specOf = (result: EvalResult) => specs.findIndex(({ spec }) => spec === result.spec);
  return results.toSorted((a, b) => specOf(a) - specOf(b) || caseOf(a) - caseOf(b));
}

/** Evaluates, keeping every result as soon as it is there. */
async function measure(
  options: EvaluateOptions,
  keep: (result: EvalResult) => Promise<void>,
): Promise<Outcome> {
  const drawer = openProgress();
  const results: EvalResult[] = [];
  const measured: EvalResult[] = [];
  const leftOut: EvalCase[] = [];
  for await (const event of evaluate(options)) {
    if (event.kind === "left-out") leftOut.push(event.item);
    if (event.kind === "progress") {
      const { label, done, total, leftMs } = event;
      const left = leftMs === null ? "" : `about ${formatDuration(leftMs)} left · `;
      drawer.draw({ label: "evaluating", done, total, note: `${left}${label}` });
    }
    if (event.kind !== "result") continue;
    const { result, isKnown, isWanted } = event;
    if (isWanted) results.push(result);
    if (isKnown) continue;
    measured.push(result);
    await keep(result);
  }
  drawer.end();
  return { results: inOrder(results, options), measured, leftOut };
}

export async function main(args: ParsedArgs): Promise<number> {
  const startMs = performance.now();
  const flags = evalFlags(args);
  const { values } = args;
  const page = values.report === undefined ? undefined : reportPath(String(values.report));
  const { seed, budgetMs, compressAfter } = flags;
  const header = await readHeader(values);
  const tokenizer = createTokenizer(header.gguf);
  const { cases, tasks, said } = await evalCases(flags, tokenizer);
  said.forEach((line) => writeError(`${line}\n`));
  const nCtx = contextOf(cases, header);
  const dims = { ...header.config, nCtx };
  // A wrong spec is told before anything is loaded.
  for (const spec of flags.specs) await prunePlan(spec, dims);
  const loading = { parallel: 1, logitRows: LOGIT_ROWS };
  using model = await loadWithProgress(
    { ...values, c: nCtx, prune: FULL },
    openProgress(),
    loading,
  );
  const identity = await identityOf(values, model);
  const path = values.results === undefined ? defaultResults() : userPath(String(values.results));
  await Deno.mkdir(dirname(path), { recursive: true });
  const isFresh = values.fresh === true || identity.commit === UNKNOWN_COMMIT;
  const found = isFresh ? new Map<string, ResultLine>() : await readResults(path, identity);
  // A table's file may have changed under its name.
  const known = new Map([...found].filter(([, { spec }]) => !/\.(safetensors|json)\b/.test(spec)));
  const { machine, commit } = identity;
  writeError(`${machine}; commit ${commit}; seed ${seed}; results in ${path}\n`);
  const specs = await specsOf(flags.specs, model.loaded, dims);
  const outcome = await measure({
    ...{ ...specs, cases, known },
    budgetMs: budgetMs - (performance.now() - startMs),
  }, (result) => appendResult(path, { ...identity, ...result, time: new Date().toISOString() }));
  const { results, measured, leftOut } = outcome;
  const nKnown = results.filter((result) => !measured.includes(result)).length;
  if (nKnown > 0) writeError(`${nKnown} of ${results.length} results were there already\n`);
  const missing = [...Map.groupBy(leftOut, (item) => item.protocol)].map(([protocol, items]) => {
    const names = items.map(({ passage }) => passage).join(" · ");
    return `left out, --budget ${values.budget} is spent: ${protocol}: ${names}`;
  });
  missing.forEach((line) => writeError(`${line}\n`));
  writeError(timesText(measured, performance.now() - startMs) + "\n");
  const order = compressAfter === "context" ? ["the questions came after compression"] : [];
  if (page !== undefined) {
    const { reportPage } = await import("../eval/report/page.ts");
    Deno.writeTextFileSync(
      page,
      await reportPage({
        ...{ results, identity, tasks, seed, notes: [...order, ...missing] },
        kept: await keptMaps(cases[0]!, specs.specs, { tokenizer, header }),
      }),
    );
    writeError(`report: ${values.report}\n`);
  }
  writeOut(
    values.json === true
      ? JSON.stringify(reportOfLengths(results, { tasks, seed })) + "\n"
      : reportText(results, { tasks, seed, notes: order }),
  );
  return 0;
}

if (import.meta.main) Deno.exit(await runCommandLine(Deno.args, { main }));
