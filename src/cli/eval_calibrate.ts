/**
 * `deno task eval calibrate`: what a budget means to each layer or head, and the budget shared out by it, as a
 * file that a spec names in place of the budget's number. Measurements are kept as they are made, so what was
 * interrupted goes on where it stopped.
 */

import { dirname, join } from "@std/path";
import { formatDuration } from "../core/duration.ts";
import { KerfError } from "../core/error.ts";
import {
  allocate,
  appendResult,
  headUnits,
  measureSensitivity,
  passagesText,
  readResults,
} from "../eval/mod.ts";
import type { BudgetPoint, EvalResult, SensitivityOptions } from "../eval/mod.ts";
import { createTokenizer } from "../model/tokenizer.ts";
import { cacheDir } from "../sys/cache_dir.ts";
import type { ParsedArgs } from "./args.ts";
import { UNKNOWN_COMMIT } from "./commit.ts";
import {
  calibrationFile,
  calibrationSummary,
  curvesOf,
  fileText,
  lossesOf,
} from "./eval/calibration.ts";
import { identityOf } from "./eval/identity.ts";
import { atLeastOne, unique } from "./eval/options.ts";
import { passagesOf } from "./eval/texts.ts";
import { measuredCounts, tunableOf } from "./eval/tunable.ts";
import type { Tunable } from "./eval/tunable.ts";
import { readHeader } from "./inspect/header.ts";
import { loadWithProgress } from "./load_flags.ts";
import { runCommandLine } from "./main.ts";
import { reportPath } from "./report_path.ts";
import { userPath } from "./root.ts";
import { openProgress, writeError, writeOut } from "./terminal.ts";
import { outputPath, writeWhole } from "./write_whole.ts";

const EXAMPLE = "deno task eval calibrate --prune think:ratio=0.5 -o think.json";

/** None of those that `eval` measures on by itself. */
const CHAPTERS = [16, 24, 32, 45, 72, 87, 110, 133];

/** Logits read at once: 64 rows of the default model are 12 MB. */
const LOGIT_ROWS = 64;

/** A flag that has to be there. */
function needed(values: ParsedArgs["values"], name: string, what: string): string {
  if (values[name] !== undefined) return String(values[name]);
  throw new KerfError(`Cannot calibrate without ${what}`, { hint: EXAMPLE, exitCode: 2 });
}

/** Whether layers or heads get budgets of their own. @throws {KerfError} exit code 2: heads cannot */
function unitOf(asked: unknown, { alike, spec }: Tunable): "layer" | "head" {
  if (asked !== "head" || alike === null) {
    return asked === "layer" || alike !== null ? "layer" : "head";
  }
  throw new KerfError(`Cannot give heads budgets of their own with "${spec}": ${alike}`, {
    hint: "--per layer",
    exitCode: 2,
  });
}

/** Measures, keeping every result as soon as it is there. */
async function measure(
  options: SensitivityOptions,
  keep: (result: EvalResult) => Promise<void>,
): Promise<Map<BudgetPoint, EvalResult[]>> {
  const drawer = openProgress();
  const results = new Map<BudgetPoint, EvalResult[]>(options.points.map((point) => [point, []]));
  let nKnown = 0;
  for await (const event of measureSensitivity(options)) {
    if (event.kind === "progress") {
      const { label, done, total, leftMs } = event;
      const left = leftMs === null ? "" : `about ${formatDuration(leftMs)} left · `;
      drawer.draw({ label: "measuring", done, total, note: `${left}${label}` });
      continue;
    }
    results.get(event.point)!.push(event.result);
    if (event.isKnown) nKnown++;
    else await keep(event.result);
  }
  drawer.end();
  const all = options.points.length * options.passages.length;
  if (nKnown > 0) writeError(`${nKnown} of ${all} measurements were there already\n`);
  return results;
}

export async function main({ values, positionals }: ParsedArgs): Promise<number> {
  const startMs = performance.now();
  const asked = needed(values, "prune", "a variant with a budget");
  const output = needed(values, "o", "a file to write");
  const outputFile = await outputPath(output);
  const page = values.report === undefined ? undefined : reportPath(String(values.report));
  const [nPrompt, nFed] = [atLeastOne(values, "p", 1024), atLeastOne(values, "n", 32)];
  const header = await readHeader(values);
  const { config } = header;
  const dims = { ...config, nCtx: nPrompt + nFed };
  if (dims.nCtx > config.nCtx) {
    throw new KerfError(
      `Cannot measure on ${dims.nCtx} tokens in a row: the model knows ${config.nCtx} positions`,
      { hint: "lower -p or -n", exitCode: 2 },
    );
  }
  const tunable = await tunableOf(asked, dims, nPrompt);
  const { spec, uniform, multiple, everything } = tunable;
  const per = unitOf(values.per, tunable);
  const texts = unique([...(values.text as readonly string[] | undefined) ?? [], ...positionals]);
  const chapters = unique((values.chapters as readonly number[] | undefined) ?? CHAPTERS);
  const { encode } = createTokenizer(header.gguf);
  const { passages, said } = await passagesOf({ texts, chapters }, nPrompt + nFed + 1, encode);
  said.forEach((line) => writeError(`${line}\n`));
  const units = headUnits(config, per);
  const together = { labels: {}, heads: units.flatMap(({ heads }) => heads) };
  const levels = measuredCounts(tunable);
  const points = [
    { unit: together, kept: uniform },
    ...units.flatMap((unit) => levels.map((kept) => ({ unit, kept }))),
  ];
  // Differences of single heads are far below those of two arithmetics.
  const flags = { activations: "f32", ...values, c: dims.nCtx, prune: "none" };
  using model = await loadWithProgress(flags, openProgress(), {
    ...{ parallel: 1, logitRows: LOGIT_ROWS },
  });
  const counts = new Uint32Array(config.nLayers * config.nKvHeads).fill(everything);
  const prefiller = await model.loaded.withPrune(spec, counts);
  const identity = await identityOf(flags, model);
  const path = values.results === undefined
    ? join(cacheDir(), "eval", "sensitivity.jsonl")
    : userPath(String(values.results));
  await Deno.mkdir(dirname(path), { recursive: true });
  const isFresh = values.fresh === true || identity.commit === UNKNOWN_COMMIT;
  writeError(
    `${identity.machine}; commit ${identity.commit}; ${passagesText(passages.length)}, ` +
      `${points.length} measurements each, in ${path}\n`,
  );
  const results = await measure({
    ...{ prefiller, spec, passages, nPrompt, points, everything },
    known: isFresh ? new Map() : await readResults(path, identity),
  }, (result) => appendResult(path, { ...identity, ...result, time: new Date().toISOString() }));
  const losses = lossesOf(points, results);
  const curves = curvesOf(units, { points, losses, tunable });
  const shares = allocate(curves, { total: uniform * units.length, multiple });
  const made = { tunable, per, units, levels, shares, curves, together: losses[0]! };
  const measured = { identity, nPrompt, nFed, passages: passages.map(({ name }) => name) };
  const file = calibrationFile(made, measured, config);
  const summary = calibrationSummary(made, output);
  await writeWhole(outputFile, fileText(file));
  writeError(`took ${formatDuration(performance.now() - startMs)}\n`);
  if (page !== undefined) {
    const { calibrationPage } = await import("../eval/report/calibration_page.ts");
    Deno.writeTextFileSync(page, await calibrationPage(file, summary));
    writeError(`report: ${values.report}\n`);
  }
  writeOut(summary.map((line) => `${line}\n`).join(""));
  return 0;
}

if (import.meta.main) Deno.exit(await runCommandLine(Deno.args, { main }));
