/** The errors of a variant's kernels: maps of the worst case per target, beside each other. */

import { shareText, shortNumber } from "../outcome.ts";
import type { Check } from "../result.ts";
import { errorMatrices, largestOf } from "./error_matrix.ts";
import { heatLegend, heatMap } from "./heat_map.ts";
import { element } from "../../core/html.ts";
import type { Html } from "../../core/html.ts";

/** A card per kernel; kernels without any error in one line. */
export function errorMaps(checks: readonly Check[]): Html[] {
  const kernels = [...Map.groupBy(checks, ({ kernel }) => kernel)];
  const isExact = (own: readonly Check[]) => own.every(({ maxShare }) => maxShare === 0);
  const exact = kernels.filter(([, own]) => isExact(own)).map(([kernel]) => kernel);
  const cards = kernels.filter(([, own]) => !isExact(own)).map(([, own]) => card(own));
  if (exact.length === 0) return cards;
  const note = `To the bit on every target: ${exact.join(", ")}.`;
  return [...cards, element("p", { class: "note" }, note)];
}

function card(checks: readonly Check[]): Html {
  const largest = Math.max(...checks.map(({ errorMap }) => errorMap ? finiteLargest(errorMap) : 0));
  const scale = largest > 0 ? largest : 1;
  return element(
    "div",
    { class: "kernel" },
    element(
      "h4",
      {},
      checks[0]!.kernel,
      element("small", {}, "|got − want| where it is the largest share of its bound"),
    ),
    element("div", { class: "maps" }, checks.map((check) => target(check, scale))),
    heatLegend(scale),
  );
}

const finiteLargest = ({ errors }: { readonly errors: Float64Array }): number =>
  largestOf(errors.filter(Number.isFinite));

function target({ label, errorMap, maxAbs, maxShare, worst }: Check, scale: number): Html {
  const maps = errorMap ? errorMatrices(errorMap).map((matrix) => heatMap(matrix, scale)) : [];
  const facts = `${shortNumber(maxAbs)}, ${shareText(maxShare)} of the bound`;
  return element(
    "div",
    { class: "target" },
    element("b", {}, label, element("span", {}, maxShare === 0 ? "exact" : facts)),
    maxShare === 0 ? [] : [
      element("div", { class: "pair" }, maps),
      element("p", { class: "case" }, worst?.case ?? ""),
    ],
  );
}
