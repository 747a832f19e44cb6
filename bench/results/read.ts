/** The study's results, read from its files whatever commit they were measured at; of equal cases the last. */

import { reportOf, resultKey } from "../../src/eval/mod.ts";
import type { EvalReport, EvalResult, ResultLine } from "../../src/eval/mod.ts";

/** Seed of resampling: `eval`'s own. */
const SEED = 1;

/** The lines of a file; none if it is not there. */
export function readLines(path: URL): ResultLine[] {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
  const lines = text.split("\n").filter((line) => line !== "")
    .map((line) => JSON.parse(line) as ResultLine);
  return [...new Map(lines.map((line) => [resultKey(line), line])).values()];
}

/** Of a protocol, cases that every spec has: an interrupted run may leave others. */
export function wholeCases(lines: readonly EvalResult[], protocol: string): EvalResult[] {
  const own = lines.filter((line) => line.protocol === protocol);
  const nSpecs = new Set(own.map(({ spec }) => spec)).size;
  const byPassage = Map.groupBy(own, ({ passage }) => passage);
  return own.filter(({ passage }) => byPassage.get(passage)!.length === nSpecs);
}

/** Summaries of a protocol. */
export const summaryOf = (
  lines: readonly EvalResult[],
  protocol: string,
): EvalReport =>
  reportOf(wholeCases(lines, protocol), { tasks: ["ppl", "kl", "needle"], seed: SEED });
