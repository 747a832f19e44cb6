/**
 * `deno task verify [NAME…]`: runs every variant's kernels on the targets that are here and compares them
 * with the author's function. Ends with 1 when one is off; says which targets were not here.
 */

import { KerfError } from "../core/error.ts";
import type { Device } from "../device/types.ts";
import { openRenderer } from "../emit/renderer.ts";
import type { Renderer } from "../emit/renderer.ts";
import { openTargets, selectVariants, verify } from "../verify/mod.ts";
import type { Outcome, Targets, VerifyOptions } from "../verify/mod.ts";
import type { ParsedArgs } from "./args.ts";
import { runCommandLine } from "./main.ts";
import { reportPath } from "./report_path.ts";
import { ROOT } from "./root.ts";
import { openProgress, writeError, writeOut } from "./terminal.ts";
import { outcomeJson } from "./verify/json.ts";
import { outcomeText } from "./verify/table.ts";

/** One verification and its report; returns the exit code. */
export async function main({ values, positionals: names }: ParsedArgs): Promise<number> {
  const started = performance.now();
  const renderer = await openRenderer(ROOT);
  // A slip in a name is told before anything is opened.
  selectVariants(renderer, names);
  const report = values.report === undefined ? undefined : reportPath(String(values.report));
  const given = (values.device ?? []) as readonly string[];
  const kinds = given.includes("auto") ? [] : given as readonly Device["kind"][];
  const work = { ...{ renderer, names, started }, strength: values.quick ? 1 : 2 } as const;
  const forPerson = values.json !== true && report === undefined && values.quick !== true;
  if (forPerson && names.length > 0 && (kinds.length === 0 || kinds.includes("cpu"))) {
    const first = await firstLook(work);
    if (first?.passed === false) {
      writeOut(outcomeText(first));
      return 1;
    }
  }
  const outcome = await outcomeOf(await openTargets(kinds), work);
  if (report !== undefined) {
    const { reportPage } = await import("../verify/report/page.ts");
    const page = await reportPage(outcome, { renderer, root: ROOT });
    Deno.writeTextFileSync(report, page);
    writeError(`report: ${values.report}\n`);
  }
  if (values.json) writeOut(JSON.stringify(outcomeJson(outcome)) + "\n");
  else writeOut(outcomeText(outcome));
  return outcome.passed ? 0 : 1;
}

/** What to verify, and since when. */
interface Work {
  readonly renderer: Renderer;
  readonly names: readonly string[];
  readonly strength: NonNullable<VerifyOptions["strength"]>;
  /** A time of `performance.now()`. */
  readonly started: number;
}

/** Verifies on devices that are open, and closes them. */
async function outcomeOf(
  { found, missing }: Targets,
  { renderer, names, strength, started }: Work,
): Promise<Outcome> {
  const progress = openProgress();
  try {
    const { checks, absent } = await verify({
      ...{ renderer, names, targets: found, strength },
      onProgress: (state) => progress.draw(state),
    });
    return {
      passed: checks.every(({ failures }) => failures.length === 0),
      seconds: (performance.now() - started) / 1000,
      targets: found.map(({ device, ...target }) => ({ ...target, device: device.name })),
      ...{ missing, absent, checks },
    };
  } finally {
    progress.end();
    found.forEach(({ device }) => device.close());
  }
}

/**
 * The verdict that an author at work waits for: C alone, each choice of a case once. Null without a C
 * compiler; the whole verification says so.
 */
async function firstLook(work: Work): Promise<Outcome | null> {
  let targets: Targets;
  try {
    targets = await openTargets(["cpu"]);
  } catch (error) {
    if (error instanceof KerfError) return null;
    throw error;
  }
  const outcome = await outcomeOf(targets, { ...work, strength: 1 });
  if (outcome.passed) {
    const took = outcome.seconds.toFixed(1);
    writeError(`in C all ${outcome.checks.length} kernels agree (${took} s); now every case\n`);
  }
  return outcome;
}

if (import.meta.main) Deno.exit(await runCommandLine(Deno.args, { main }));
