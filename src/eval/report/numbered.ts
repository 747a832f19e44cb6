/** The specs of a page by number: charts have room for a number, not for a name. */

import { element } from "../../core/html.ts";
import type { Html } from "../../core/html.ts";
import type { EvalSummary } from "../summary.ts";
import { card } from "./card.ts";

/** A spec's number on the page, from 1, in the order in which specs were asked for. */
export type SpecNumbers = ReadonlyMap<string, number>;

/** Numbers of the specs that a report has. */
export function numberSpecs(summary: readonly EvalSummary[]): SpecNumbers {
  const specs = [...new Set(summary.map(({ spec }) => spec))];
  return new Map(specs.map((spec, i) => [spec, i + 1]));
}

/** Stored bytes as a share of dense ones, in percent. */
export const storedPercent = (
  { storedBytes, denseBytes }: Pick<EvalSummary, "storedBytes" | "denseBytes">,
): number => 100 * storedBytes / denseBytes;

/** What numbers stand for, and each spec's bytes in the task that is shown first. */
export function specKey(numbers: SpecNumbers, summary: readonly EvalSummary[]): Html {
  const items = [...numbers].map(([spec, number]) => {
    const bytes = storedPercent(summary.find((item) => item.spec === spec)!);
    return element(
      "li",
      {},
      ...[element("b", {}, number), element("code", {}, spec)],
      element("span", {}, `${bytes.toFixed(1)} % KV`),
    );
  });
  return element("ol", { class: "key" }, items);
}

/** A small chart of one spec, under its name. */
export const specCard = (spec: string, numbers: SpecNumbers, chart: Html): Html =>
  card([element("b", {}, numbers.get(spec)!), element("code", {}, spec)], chart);
