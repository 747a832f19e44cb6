/** The head of a report: the verdict, the targets, the table of kernels. */

import { absentText, placeText, shareText, shortNumber } from "../outcome.ts";
import type { Outcome } from "../outcome.ts";
import type { Check } from "../result.ts";
import { element } from "../../core/html.ts";
import type { Html } from "../../core/html.ts";

/** Verdict and targets. */
export function verdict(outcome: Outcome): Html[] {
  const { passed, checks, targets, missing, absent, seconds } = outcome;
  const variants = new Set(checks.map(anchorOf)).size;
  const off = checks.filter(({ failures }) => failures.length > 0).length;
  const counted = `${variants} ${variants === 1 ? "variant" : "variants"} on ` +
    `${targets.map(({ label }) => label).join(", ")} in ${seconds.toFixed(0)} s.`;
  const title = passed
    ? [element("span", { class: "good" }, `All ${checks.length} kernels agree`)]
    : [element("span", { class: "bad" }, `${off} of ${checks.length} kernels do not agree`)];
  return [
    element("h1", {}, title, " with their authors’ functions"),
    element(
      "p",
      { class: "lead" },
      `${counted} The reference is the author’s TypeScript in f64; every number has a bound of ` +
        "its own, from how f32 rounds.",
    ),
    element(
      "ul",
      { class: "targets" },
      targets.map(({ label, device }) =>
        element("li", {}, element("b", {}, label), ` runs on ${device}`)
      ),
      missing.map(({ target, because, fix }) =>
        element(
          "li",
          {},
          element("b", { class: "bad" }, `${target} was not verified`),
          ` ${because}: `,
          fix.map((hint, i) => [i > 0 ? " · " : "", element("code", {}, hint)]),
        )
      ),
      absent.map((kernels) => element("li", {}, absentText(kernels))),
    ),
  ];
}

/** One row per variant, kernel and target. */
export function summaryTable(checks: readonly Check[]): Html[] {
  const numbers = ["cases", "max abs", "max rel", "of bound"];
  const heads = [
    // The verdict before the numbers: a narrow screen shows what comes first.
    ...["variant", "kernel", "target", ""].map((name) => element("th", {}, name)),
    ...numbers.map((name) => element("th", { class: "n" }, name)),
    element("th", {}, "where it is worst"),
  ];
  return [
    element(
      "div",
      { class: "scroll" },
      element(
        "table",
        {},
        element("thead", {}, element("tr", {}, heads)),
        element("tbody", {}, checks.map((check, i) => row(check, checks[i - 1]))),
      ),
    ),
    element(
      "p",
      { class: "note" },
      "max rel: relative to the largest number of the same row and head. of bound: the largest " +
        "error as a share of what rounding explains.",
    ),
  ];
}

function row(check: Check, above: Check | undefined): Html {
  const sameVariant = above !== undefined && anchorOf(above) === anchorOf(check);
  const sameKernel = sameVariant && above.kernel === check.kernel;
  const good = check.failures.length === 0;
  const numbers = [
    ...[String(check.cases), shortNumber(check.maxAbs), shortNumber(check.maxRel)],
    shareText(check.maxShare),
  ];
  const { worst } = check;
  const where = check.maxShare === 0 || !worst ? [] : [
    element("b", {}, placeText(worst.at)),
    ` ${worst.case}`,
  ];
  return element(
    "tr",
    sameKernel ? { class: "same" } : {},
    element(
      "td",
      {},
      sameVariant ? "" : element("a", { href: `#${anchorOf(check)}` }, check.variant),
    ),
    element("td", {}, sameKernel ? "" : check.kernel),
    element("td", {}, check.label),
    element("td", { class: `verdict ${good ? "good" : "bad"}` }, good ? "pass" : "FAIL"),
    numbers.map((number) => element("td", { class: "n" }, number)),
    element("td", { class: "where" }, where),
  );
}

/** Where a variant's section is. */
export const anchorOf = ({ kind, variant }: Pick<Check, "kind" | "variant">): string =>
  `${kind}-${variant}`;
