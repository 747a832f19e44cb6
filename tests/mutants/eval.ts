/** Edits of the evaluation: what would make numbers of a study wrong without a sign of it. */

import type { Mutant } from "./mutant.ts";

/** The evaluation. */
export const EVAL: readonly Mutant[] = [
  {
    name: "a divergence weighted by the wrong distribution",
    file: "src/eval/distribution.ts",
    find: "const weight = Math.exp(p);",
    replace: "const weight = Math.exp(q);",
    tests: ["src/eval/distribution_test.ts"],
  },
  {
    name: "specs resampled apart from each other",
    file: "src/eval/statistics.ts",
    find: "randomSource(seed);",
    replace: "randomSource(seed + values[0]!);",
    tests: ["src/eval/statistics_test.ts"],
  },
  {
    name: "a flush that is due waits for the tokens fed with it",
    file: "src/eval/run.ts",
    find: "Math.min(tokens.length - at, nLogits, due)",
    replace: "Math.min(tokens.length - at, nLogits)",
    tests: ["tests/eval_test.ts"],
    only: "tokens fed many at once",
  },
  {
    name: "a shared prefill's queries in the wrong places",
    file: "src/engine/prefill_state.ts",
    find: "(head * places + p % places) * headDim",
    replace: "(head * places + (state.nTokens - 1 - p) % places) * headDim",
    tests: ["tests/shared_prefill_test.ts"],
  },
  {
    name: "a prefill without sums serves a spec that reads them",
    file: "src/engine/prefill_state.ts",
    find: "    (!needs.hasSums || has.hasSums) &&\n",
    replace: "",
    tests: ["tests/shared_prefill_test.ts"],
  },
  {
    name: "a calibration's maps all of the first count",
    file: "src/eval/report/calibration_page.ts",
    find: "kl[unit]![i]!",
    replace: "kl[unit]![0]!",
    tests: ["tests/eval_report_test.ts"],
    only: "a calibration's page",
  },
  {
    name: "an answer's first token graded by the row behind it",
    file: "src/eval/answer.ts",
    find: "      grade(run.promptLogits);\n",
    replace: "",
    tests: ["tests/eval_tasks_test.ts"],
    only: "answers are graded",
  },
];
