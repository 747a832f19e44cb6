/**
 * An evaluation as one page that needs nothing else and runs nothing: charts of quality and speed against
 * bytes, needles, KL along positions, and the tables of the terminal. Shows what was measured, no more.
 */

import { element } from "../../core/html.ts";
import type { Html } from "../../core/html.ts";
import { htmlPage } from "../../core/html_page.ts";
import type { KeptMaps } from "../kept.ts";
import type { EvalResult, RunIdentity } from "../results.ts";
import { reportOf } from "../summary.ts";
import type { EvalReport } from "../summary.ts";
import { keptSections } from "./kept_sections.ts";
import { needleSections } from "./needle_sections.ts";
import { numberSpecs, specKey } from "./numbered.ts";
import { positionSections } from "./position_sections.ts";
import { STYLE } from "./style.ts";
import { taskSections } from "./task_sections.ts";

/** What a page is made of. */
export interface PageInput {
  /** Of the specs asked for, in order. */
  readonly results: readonly EvalResult[];
  readonly identity: RunIdentity;
  /** Tasks whose numbers are shown. */
  readonly tasks: readonly string[];
  readonly seed: number;
  /** What is to be said of all of it, such as what there was no time for. */
  readonly notes: readonly string[];
  /** Of one prompt. */
  readonly kept: KeptMaps;
}

/** The whole page. */
export async function reportPage(input: PageInput): Promise<string> {
  const { results, tasks, seed } = input;
  const report = reportOf(results, { tasks, seed });
  const numbers = numberSpecs(report.summary);
  return htmlPage(
    { title: `Kerf eval: ${input.identity.model}`, style: STYLE },
    head(input, report),
    specKey(numbers, report.summary),
    await taskSections(input, report, numbers),
    await needleSections(input, numbers),
    await positionSections(input, numbers),
    keptSections(input.kept, numbers),
  );
}

function head({ identity, seed, notes }: PageInput, { summary }: EvalReport): Html[] {
  const { model, modelSha256, commit, machine, activations, attention, ctk, ctv } = identity;
  const n = new Set(summary.map(({ spec }) => spec)).size;
  return [
    element("h1", {}, `What pruning costs ${model}`),
    element(
      "p",
      { class: "lead" },
      `${n} ${
        n === 1 ? "spec" : "specs"
      }; keys ${ctk}, values ${ctv}, activations ${activations}, ` +
        `attention ${attention}; ${machine}; commit ${commit}; model ${
          modelSha256.slice(0, 12)
        }; ` +
        `seed ${seed}.`,
    ),
    element(
      "p",
      { class: "note" },
      "Intervals: 95 %, bootstrap over passages, the same passages for every spec. Filled points are " +
        "those whose mean no spec with as few bytes beats.",
    ),
    ...notes.map((line) => element("p", { class: "note" }, line)),
  ];
}
