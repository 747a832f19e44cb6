/** A verification as text: a table of kernels, what failed, which targets were here and which were not. */

import { counted } from "../../core/counted.ts";
import { absentText, placeText, shareText, shortNumber } from "../../verify/mod.ts";
import type { CasePlace, Check, Outcome } from "../../verify/mod.ts";

const HEADER = [
  ...["variant", "kernel", "target", "cases", "max abs", "max rel", "of bound", ""],
  "where it is worst",
];

/** Columns of numbers. */
const RIGHT = new Set([3, 4, 5, 6]);

/** Failures of a kernel that are printed; the others are counted. */
const MAX_FAILURES = 3;

/** The whole text, a line break at its end. */
export function outcomeText(outcome: Outcome): string {
  const { checks, targets, missing, absent } = outcome;
  return [
    ...table(checks),
    ...checks.flatMap(failureLines),
    ...nearTieLines(checks),
    "",
    ...targets.map(({ label, device }) => `${label}: ${device}`),
    ...missing.flatMap(({ target, because, fix }) => [
      `${target} was not verified: ${because}`,
      ...fix.map((hint) => `  hint: ${hint}`),
    ]),
    ...absent.map(absentText),
    summary(outcome),
  ].join("\n") + "\n";
}

function table(checks: readonly Check[]): string[] {
  const rows = [HEADER, ...checks.map(cells)];
  // What stands in the line above is not said again.
  const shown = rows.map((row, i) => {
    const above = rows[i - 1];
    const sameVariant = above !== undefined && above[0] === row[0];
    const sameKernel = sameVariant && above[1] === row[1];
    return [sameVariant ? "" : row[0]!, sameKernel ? "" : row[1]!, ...row.slice(2)];
  });
  const widths = HEADER.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return shown.map((row) =>
    row.map((cell, column) =>
      RIGHT.has(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)
    ).join("  ").trimEnd()
  );
}

const cells = (check: Check): string[] => [
  ...[check.variant, check.kernel, check.label, String(check.cases)],
  ...[shortNumber(check.maxAbs), shortNumber(check.maxRel), shareText(check.maxShare)],
  check.failures.length === 0 ? "pass" : "FAIL",
  check.maxShare === 0 || !check.worst ? "" : `${placeText(check.worst.at)} (${check.worst.case})`,
];

function failureLines({ variant, kernel, label, cases, failures }: Check): string[] {
  if (failures.length === 0) return [];
  const more = failures.length - MAX_FAILURES;
  return [
    "",
    `${variant}, ${kernel}, ${label}: ${failures.length} of ${cases} cases are off`,
    ...failures.slice(0, MAX_FAILURES).map((place) => `  ${failureText(place)}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}

function failureText({ at, got, want, bound, case: name }: CasePlace): string {
  const why = Number.isNaN(want)
    ? `the author's function gives NaN, which is no number`
    : `${got}, not ${want} ± ${shortNumber(bound)}`;
  return `${placeText(at)}: ${why} (${name})`;
}

/** Selections that f32 and f64 may make differently. */
function nearTieLines(checks: readonly Check[]): string[] {
  const ties = checks.filter(({ nearTies }) => nearTies > 0);
  return ties.length === 0 ? [] : [
    "",
    ...ties.map(({ variant, kernel, label, nearTies }) =>
      `${variant}, ${label}: ${nearTies} ${
        kernel === "select rows" ? "rows" : "channels"
      } were chosen otherwise, with scores at the cut`
    ),
  ];
}

function summary({ checks, targets, passed, seconds }: Outcome): string {
  const variants = new Set(checks.map(({ kind, variant }) => `${kind} ${variant}`)).size;
  const failed = checks.filter(({ failures }) => failures.length > 0).length;
  const scope = `${counted(variants, "variant")} on ` +
    `${targets.map(({ label }) => label).join(", ")}, ${seconds.toFixed(0)} s`;
  return passed
    ? `all ${checks.length} kernels agree with their authors' functions (${scope})`
    : `${failed} of ${checks.length} kernels are off (${scope})`;
}
