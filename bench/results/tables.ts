/** The study's numbers as Markdown: all of them, and the best spec of each family at each budget. */

import { FAMILIES } from "./families.ts";
import type { Length, Number95, SpecNumbers } from "./lengths.ts";

/** A table in Markdown, its columns as wide as `deno fmt` makes them; without those that hold nothing. */
function markdown([heads, ...body]: readonly (readonly string[])[]): string {
  const used = heads!.map((_, c) => body.length === 0 || body.some((row) => row[c] !== ""));
  const rows = [heads!, ...body].map((row) => row.filter((_, c) => used[c]));
  const widths = rows[0]!.map((_, c) => Math.max(2, ...rows.map((row) => row[c]!.length)));
  const padded = (cell: string, c: number) =>
    c === 0 ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!);
  const line = (row: readonly string[]) => `| ${row.map(padded).join(" | ")} |`;
  const rule = widths.map((width, c) => c === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`);
  return [line(rows[0]!), `| ${rule.join(" | ")} |`, ...rows.slice(1).map(line)].join("\n") + "\n";
}

const withInterval = (value: Number95 | undefined, digits: number): string => {
  if (value === undefined) return "";
  const { mean, low, high, n } = value;
  const interval = n > 1 && low < high ? ` [${low.toFixed(digits)}, ${high.toFixed(digits)}]` : "";
  return mean.toFixed(digits) + interval;
};

const percentText = (value: Number95 | undefined): string =>
  value === undefined ? "" : `${(100 * value.mean).toFixed(1)} %`;

/** Hits of prompts, and the NLL of the answer. */
function needleText({ metrics }: SpecNumbers): string {
  const [hits, nll] = [metrics.get("needle"), metrics.get("answer_nll")];
  if (hits === undefined || nll === undefined) return "";
  return `${Math.round(hits.mean * hits.n)}/${hits.n}, ${nll.mean.toFixed(2)}`;
}

const cellsOf = (item: SpecNumbers): string[] => [
  `${item.percent.toFixed(1)} %`,
  withInterval(item.metrics.get("kl"), 4),
  percentText(item.metrics.get("top1")),
  withInterval(item.metrics.get("dnll"), 3),
  needleText(item),
];

const HEADS = ["KV", "KL", "top-1", "ΔNLL", "asked later"];

/** Every spec of a length, by bytes. */
export function everySpec({ specs }: Length): string {
  const sorted = specs.toSorted((a, b) => b.percent - a.percent);
  return markdown([
    ["spec", ...HEADS],
    ...sorted.map((item) => [`\`${item.spec}\``, ...cellsOf(item)]),
  ]);
}

/** Budgets, and up to what share of each a spec may be off: codes have bytes of their own. */
const BUDGETS = [75, 50, 33, 25, 16, 12];
const [LEAST, MOST] = [0.9, 1.06];

/** Specs near a budget that have a metric. */
const nearBudget = ({ specs }: Length, budget: number, metric: string): SpecNumbers[] =>
  specs.filter(({ percent, metrics }) =>
    percent >= LEAST * budget && percent <= MOST * budget && metrics.has(metric)
  );

const meanOf = ({ metrics }: SpecNumbers, metric: string) => metrics.get(metric)!.mean;

/** Of each budget the spec of each family that diverges least, the best first. */
export function bestSpecs(length: Length): string {
  const rows = BUDGETS.flatMap((budget) => {
    const near = nearBudget(length, budget, "kl");
    const kl = (item: SpecNumbers) => meanOf(item, "kl");
    return FAMILIES.flatMap(({ name }) => {
      const own = near.filter(({ family }) => family === name).sort((a, b) => kl(a) - kl(b));
      return own.slice(0, 1);
    }).sort((a, b) => kl(a) - kl(b)).map((item) => [
      `${budget} %`,
      item.family,
      `\`${item.spec}\``,
      ...cellsOf(item),
    ]);
  });
  return markdown([["budget", "family", "spec", ...HEADS], ...rows]);
}

/** What each family does best at each budget, a column a length: the least KL, and the most needles asked for later. */
export function overview(lengths: readonly Length[]): string {
  const heads = lengths.map(({ nTokens }) => nTokens.toLocaleString("en-US"));
  const rows = BUDGETS.flatMap((budget) =>
    FAMILIES.flatMap(({ name }) => {
      const best = (
        length: Length,
        { metric, order }: { metric: string; order: (a: SpecNumbers, b: SpecNumbers) => number },
      ) => nearBudget(length, budget, metric).filter((s) => s.family === name).sort(order)[0];
      const by = (metric: string, sign = 1) => (a: SpecNumbers, b: SpecNumbers) =>
        sign * (meanOf(a, metric) - meanOf(b, metric));
      const kls = lengths.map((length) => best(length, { metric: "kl", order: by("kl") }))
        .map((item) => item ? meanOf(item, "kl").toFixed(4) : "");
      const later = lengths.map((length) =>
        best(length, {
          metric: "needle",
          order: (a, b) => by("needle", -1)(a, b) || by("answer_nll")(a, b),
        })
      ).map((item) => item ? needleText(item) : "");
      const isEmpty = [...kls, ...later].every((cell) => cell === "");
      return isEmpty ? [] : [[`${budget} %`, name, ...kls, ...later]];
    })
  );
  const columns = [...heads.map((n) => `KL ${n}`), ...heads.map((n) => `later ${n}`)];
  return markdown([["budget", "family", ...columns], ...rows]);
}
