/** The numbers of a page: a table a task, the same as Markdown to copy, and what is not told apart. */

import { element } from "../../core/html.ts";
import type { Html } from "../../core/html.ts";
import { ruleOf } from "../metrics.ts";
import type { Comparison, EvalSummary } from "../summary.ts";
import { markdownDetails } from "./markdown.ts";
import { storedPercent } from "./numbered.ts";
import type { SpecNumbers } from "./numbered.ts";

/** A task's numbers as texts. */
interface Cells {
  /** The first is over the specs. */
  readonly heads: readonly string[];
  /** A row a spec; of a metric its mean and its interval, which may be empty. */
  readonly rows: readonly { readonly spec: string; readonly cells: readonly [string, string][] }[];
}

function meanCell({ metric, mean, low, high, n }: EvalSummary): [string, string] {
  const { digits } = ruleOf(metric);
  const interval = n === 1 || low === high
    ? ""
    : `[${low.toFixed(digits)}, ${high.toFixed(digits)}]`;
  return [mean.toFixed(digits), interval];
}

function cellsOf(own: readonly EvalSummary[], of = ""): Cells {
  const metrics = [...new Set(own.map(({ metric }) => metric))];
  const rows = [...Map.groupBy(own, ({ spec }) => spec)].map(([spec, items]) => {
    const { decodeTokensPerSecond: speed } = items[0]!;
    const means = metrics.map((metric): [string, string] => {
      const item = items.find((item) => item.metric === metric);
      return item ? meanCell(item) : ["", ""];
    });
    return {
      spec,
      cells: [
        [`${storedPercent(items[0]!).toFixed(1)} %`, ""] as [string, string],
        ...means,
        [speed === null ? "" : speed.toFixed(1), ""] as [string, string],
      ],
    };
  });
  const n = Math.max(...own.map((item) => item.n));
  return { heads: [`spec${of}, n = ${n}`, "KV", ...metrics, "tok/s"], rows };
}

/** One task's table. @param of which prompts, where there are others too */
export function taskTable(own: readonly EvalSummary[], numbers: SpecNumbers, of?: string): Html {
  const { heads, rows } = cellsOf(own, of);
  const cell = ([text, interval]: readonly [string, string]) =>
    element("td", {}, text, interval === "" ? [] : element("small", {}, interval));
  return element(
    "div",
    { class: "scroll", tabindex: 0 },
    element(
      "table",
      {},
      element(
        "thead",
        {},
        element("tr", {}, ["", ...heads].map((head) => element("th", {}, head))),
      ),
      element(
        "tbody",
        {},
        rows.map(({ spec, cells }) =>
          element(
            "tr",
            {},
            element("td", {}, numbers.get(spec)!),
            element("td", {}, element("code", {}, spec)),
            cells.map(cell),
          )
        ),
      ),
    ),
  );
}

/** A task's table as Markdown. */
export function markdownTable(own: readonly EvalSummary[]): Html {
  const { heads, rows } = cellsOf(own);
  return markdownDetails({
    ...{ what: "the table", heads, words: 1 },
    rows: rows.map(({ spec, cells }) => [
      `\`${spec}\``,
      ...cells.map(([text, interval]) => `${text} ${interval}`.trim()),
    ]),
  });
}

/** Which neighbours are not told apart. */
export function sameList(comparisons: readonly Comparison[]): Html[] {
  const one = comparisons.some(({ n }) => n === 1)
    ? [element("p", { class: "note" }, "One passage tells no two specs apart.")]
    : [];
  const same = comparisons.filter(({ isSame, n }) => isSame && n > 1);
  if (same.length === 0) return one;
  const items = same.map(({ a, b, metric, difference: { mean, low, high } }) => {
    const sign = mean < 0 ? "" : "+";
    const numbers = `${sign}${mean.toFixed(4)} [${low.toFixed(4)}, ${high.toFixed(4)}]`;
    const pair = [element("code", {}, a), " and ", element("code", {}, b)];
    return element("li", {}, pair, ` by ${metric}: ${numbers}`);
  });
  return [
    element("p", { class: "note" }, "Not told apart, by their differences on the same passages:"),
    element("ul", { class: "note" }, items),
    ...one,
  ];
}
