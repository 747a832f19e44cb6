/**
 * `deno task eval`: what specs cost in quality, bytes and speed. Results are kept as they are measured, so
 * what was interrupted goes on where it stopped.
 */

import { basename, dirname, join } from "@std/path";
import { formatDuration } from "../core/duration.ts";
import { KerfError } from "../core/error.ts";
import { ACTIVATIONS } from "../device/mod.ts";
import type { Loaded } from "../engine/load.ts";
import { prunePlan } from "../engine/prune_plan.ts";
import { appendResult, evaluate, FULL, readResults, reportOf } from "../eval/mod.ts";
import type { EvalCase, EvalResult, EvalSpec, ResultLine, RunIdentity } from "../eval/mod.ts";
import { sha256OfFile } from "../model/file_hash.ts";
import { createTokenizer } from "../model/tokenizer.ts";
import type { Model } from "../mod.ts";
import { cacheDir } from "../sys/cache_dir.ts";
import type { ParsedArgs } from "./args.ts";
import { commitWithChanges, UNKNOWN_COMMIT } from "./commit.ts";
import { evalCases } from "./eval/cases.ts";
import { evalFlags } from "./eval/options.ts";
import { reportText } from "./eval/table.ts";
import { readHeader } from "./inspect/header.ts";
import type { Header } from "./inspect/header.ts";
import { loadWithProgress } from "./load_flags.ts";
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

async function identityOf(
  values: ParsedArgs["values"],
  { loaded, device }: Model,
): Promise<RunIdentity> {
  const { gguf, attention, engine } = loaded;
  return {
    model: basename(gguf.path),
    modelSha256: await sha256OfFile(gguf.path),
    commit: await commitWithChanges(),
    machine: `${device}, ${Deno.build.target}`,
    attention,
    activations: (values.activations as string | undefined) ?? ACTIVATIONS[engine.device.kind][0]!,
    ctk: (values.ctk as string | undefined) ?? "f16",
    ctv: (values.ctv as string | undefined) ?? "f16",
  };
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

/** Where the time of what was measured went. */
function timesText(results: readonly EvalResult[], ms: number): string {
  const sum = (name: "prefillMs" | "compressMs" | "measureMs") =>
    formatDuration(results.reduce((total, result) => total + result[name], 0));
  return `took ${formatDuration(ms)}: prefill ${sum("prefillMs")}, compression ` +
    `${sum("compressMs")}, tokens behind it and their comparison ${sum("measureMs")}`;
}

export async function main(args: ParsedArgs): Promise<number> {
  const startMs = performance.now();
  const flags = evalFlags(args);
  const { values } = args;
  const { seed, budgetMs } = flags;
  const header = await readHeader(values);
  const { cases, tasks, said } = await evalCases(flags, createTokenizer(header.gguf));
  said.forEach((line) => writeError(`${line}\n`));
  const nCtx = contextOf(cases, header);
  // A wrong spec is told before anything is loaded.
  for (const spec of flags.specs) await prunePlan(spec, { ...header.config, nCtx });
  const drawer = openProgress();
  using model = await loadWithProgress({ ...values, c: nCtx, prune: FULL }, drawer, {
    ...{ parallel: 1, logitRows: LOGIT_ROWS },
  });
  const { specs, full } = await specsOf(flags.specs, model.loaded, { ...header.config, nCtx });
  const identity = await identityOf(values, model);
  const path = values.results === undefined ? defaultResults() : userPath(String(values.results));
  await Deno.mkdir(dirname(path), { recursive: true });
  const isFresh = values.fresh === true || identity.commit === UNKNOWN_COMMIT;
  const known = isFresh ? new Map<string, ResultLine>() : await readResults(path, identity);
  writeError(`${identity.machine}; commit ${identity.commit}; seed ${seed}; results in ${path}\n`);
  const results: EvalResult[] = [];
  const fresh: EvalResult[] = [];
  const leftOut: EvalCase[] = [];
  const remaining = budgetMs - (performance.now() - startMs);
  for await (const event of evaluate({ specs, full, cases, known, budgetMs: remaining })) {
    switch (event.kind) {
      case "progress": {
        const { label, done, total, leftMs } = event;
        const note = leftMs === null ? "" : `about ${formatDuration(leftMs)} left`;
        drawer.draw({ label: "evaluating", done, total, note: `${note} · ${label}` });
        break;
      }
      case "result":
        results.push(event.result);
        if (event.isKnown) break;
        fresh.push(event.result);
        await appendResult(path, { ...identity, ...event.result, time: new Date().toISOString() });
        break;
      case "left-out":
        leftOut.push(event.item);
    }
  }
  drawer.end();
  const nKnown = results.length - fresh.length;
  if (nKnown > 0) writeError(`${nKnown} of ${results.length} results were there already\n`);
  for (const { protocol, passage } of leftOut) {
    writeError(`left out, --budget ${values.budget} is spent: ${protocol} ${passage}\n`);
  }
  writeError(timesText(fresh, performance.now() - startMs) + "\n");
  const order = specs.map(({ spec }) => spec);
  results.sort((a, b) => order.indexOf(a.spec) - order.indexOf(b.spec));
  const report = reportOf(results, { tasks, seed });
  writeOut(values.json === true ? JSON.stringify(report) + "\n" : reportText(report, seed));
  return 0;
}
