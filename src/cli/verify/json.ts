/** A verification as one JSON object: the table's facts, without the maps of a report. */

import type { CasePlace, Outcome } from "../../verify/mod.ts";

/** What `--json` prints. Numbers that JSON cannot hold are strings: "NaN", "Infinity". */
export function outcomeJson({ checks, ...outcome }: Outcome): object {
  return {
    ...outcome,
    checks: checks.map((
      { errorMap: _, rows: _rows, label, target, worst, failures, ...check },
    ) => ({
      variant: check.variant,
      kind: check.kind,
      kernel: check.kernel,
      target,
      label,
      passed: failures.length === 0,
      cases: check.cases,
      maxAbs: finite(check.maxAbs),
      maxRel: finite(check.maxRel),
      maxShare: finite(check.maxShare),
      nearTies: check.nearTies,
      worst: worst && placeJson(worst),
      failures: failures.map(placeJson),
    })),
  };
}

const placeJson = ({ at, got, want, bound, case: name }: CasePlace): object => ({
  case: name,
  at,
  got: finite(got),
  want: finite(want),
  bound: finite(bound),
});

const finite = (x: number): number | string => Number.isFinite(x) ? x : String(x);
