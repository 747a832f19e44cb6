/**
 * `deno task verify [NAME…]`: runs every variant's kernels on the targets that are here and compares them
 * with the author's function. Ends with 1 when one is off; says which targets were not here.
 */

import { dirname } from "@std/path";
import { KerfError } from "../core/error.ts";
import type { Device } from "../device/types.ts";
import { openRenderer } from "../emit/renderer.ts";
import { openTargets, selectVariants, verify } from "../verify/mod.ts";
import type { Outcome } from "../verify/mod.ts";
import type { ParsedArgs } from "./args.ts";
import { ROOT, userPath } from "./root.ts";
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
  const { found, missing } = await openTargets(kinds);
  const progress = openProgress();
  try {
    const { checks, absent } = await verify({
      ...{ renderer, names, targets: found },
      strength: values.quick ? 1 : 2,
      onProgress: (state) => progress.draw(state),
    });
    progress.end();
    const outcome: Outcome = {
      passed: checks.every(({ failures }) => failures.length === 0),
      seconds: (performance.now() - started) / 1000,
      targets: found.map(({ device, ...target }) => ({ ...target, device: device.name })),
      ...{ missing, absent, checks },
    };
    if (report !== undefined) {
      const { reportPage } = await import("../verify/report/page.ts");
      const page = await reportPage(outcome, { renderer, root: ROOT });
      Deno.writeTextFileSync(report, page);
      writeError(`report: ${values.report}\n`);
    }
    if (values.json) writeOut(JSON.stringify(outcomeJson(outcome)) + "\n");
    else writeOut(outcomeText(outcome));
    return outcome.passed ? 0 : 1;
  } finally {
    progress.end();
    found.forEach(({ device }) => device.close());
  }
}

/**
 * Where the report goes: opened before minutes of work end there, and left as it is until then.
 *
 * @throws {KerfError} exit code 2: its folder is not there
 */
function reportPath(given: string): string {
  const path = userPath(given);
  try {
    Deno.openSync(path, { write: true, create: true }).close();
    return path;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new KerfError(`Cannot write the report "${given}": there is no such folder`, {
      hint: `mkdir -p ${dirname(given)}`,
      exitCode: 2,
    });
  }
}
