/** An evaluation as text: a table a task with intervals, then what is not told apart. */

import {
  aboutMetrics,
  compareNeighbours,
  KL_NOISE,
  mainMetric,
  reportOf,
  reportsByLength,
  ruleOf,
} from "../../eval/mod.ts";
import type { Comparison, EvalReport, EvalResult, EvalSummary } from "../../eval/mod.ts";

/** Aligned columns, the first to the left. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, c) => Math.max(...rows.map((row) => row[c]!.length)));
  return rows.map((row) =>
    row.map((cell, c) => c === 0 ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!)).join("  ")
  );
}

function meanText({ metric, mean, low, high, n }: EvalSummary): string {
  const { digits } = ruleOf(metric);
  if (n === 1 || low === high) return mean.toFixed(digits);
  return `${mean.toFixed(digits)} [${low.toFixed(digits)}, ${high.toFixed(digits)}]`;
}

/** @param of which prompts, where there are others too */
function taskTable({ summary }: EvalReport, task: string, of = ""): string[] {
  const own = summary.filter((item) => item.task === task);
  if (own.length === 0) return [];
  const metrics = [...new Set(own.map(({ metric }) => metric))];
  const specs = [...new Set(own.map(({ spec }) => spec))];
  const rows = specs.map((spec) => {
    const of = (metric: string) => own.find((s) => s.spec === spec && s.metric === metric);
    const first = own.find((item) => item.spec === spec)!;
    const speed = first.decodeTokensPerSecond;
    return [
      spec,
      `${(100 * first.storedBytes / first.denseBytes).toFixed(1)} %`,
      ...metrics.map((metric) => {
        const item = of(metric);
        return item ? meanText(item) : "";
      }),
      speed === null ? "" : speed.toFixed(1),
    ];
  });
  const n = Math.max(...own.map((item) => item.n));
  const header = [`${task}${of}, n = ${n}`, "KV", ...metrics, "tok/s"];
  return columns([header, ...rows]);
}

/** Which specs a task does not tell apart. */
function sameLines(task: string, comparisons: readonly Comparison[]): string[] {
  const pairs = comparisons.filter(({ isSame, n }) => isSame && n > 1).map(comparisonLine);
  const isOne = comparisons.some(({ n }) => n === 1);
  return isOne ? [...pairs, `${task}: one passage tells no two specs apart`] : pairs;
}

function comparisonLine({ a, b, metric, difference }: Comparison): string {
  const { mean, low, high } = difference;
  const digits = 4;
  const sign = mean < 0 ? "" : "+";
  return `not told apart by ${metric}: ${a} and ${b} (${sign}${mean.toFixed(digits)} ` +
    `[${low.toFixed(digits)}, ${high.toFixed(digits)}])`;
}

/** A task's numbers, of all prompts and of those of each length, and what they are. */
function taskTables(
  report: EvalReport,
  { results, task, seed }: {
    readonly results: readonly EvalResult[];
    readonly task: string;
    readonly seed: number;
  },
): string[] {
  const metrics = report.summary.filter((item) => item.task === task).map(({ metric }) => metric);
  return [
    ...taskTable(report, task),
    ...reportsByLength(results, { task, seed })
      .flatMap(({ length, report }) => ["", ...taskTable(report, task, `, ${length} tokens`)]),
    ...[aboutMetrics([...new Set(metrics)]), ""],
  ];
}

/** The whole text, a line break at its end. @param options.notes said of all of it, a line each */
export function reportText(
  results: readonly EvalResult[],
  { tasks: asked, seed, notes }: {
    readonly tasks: readonly string[];
    readonly seed: number;
    readonly notes: readonly string[];
  },
): string {
  const report = reportOf(results, { tasks: asked, seed });
  const tasks = [...new Set(report.summary.map(({ task }) => task))];
  const same = tasks.flatMap((task) =>
    sameLines(task, compareNeighbours(report, { task, metric: mainMetric(task), seed }))
  );
  const low = report.summary.some(({ metric, mean }) =>
    metric === "kl" && mean > 0 && mean < KL_NOISE
  );
  return [
    ...tasks.flatMap((task) => taskTables(report, { results, task, seed })),
    ...same,
    ...(low
      ? [`a kl below ${KL_NOISE} is noise: two arithmetics of one model differ by as much`]
      : []),
    ...notes,
    `intervals: 95 %, bootstrap over passages, seed ${seed}; specs are paired over the same passages`,
  ].join("\n") + "\n";
}
