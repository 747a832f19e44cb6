/**
 * From results to what is printed: a row for every number, a mean with its interval for every spec and
 * metric, and which specs' means are not told apart.
 */

import { ruleOf } from "./metrics.ts";
import type { EvalResult } from "./results.ts";
import { bootstrap, quantile } from "./statistics.ts";
import type { Interval } from "./statistics.ts";

/** One number of one passage. */
export interface EvalRow {
  readonly spec: string;
  readonly task: string;
  readonly metric: string;
  readonly passage: string;
  readonly value: number;
}

/** One metric of one spec over its passages, with the 95 % interval of its mean. */
export interface EvalSummary extends Interval {
  readonly spec: string;
  readonly task: string;
  readonly metric: string;
  /** Tokens of the prompts, where those of several lengths were asked for and this is of one. */
  readonly length?: number;
  /** Passages. */
  readonly n: number;
  /** Of all passages together, at the ends of their prompts. */
  readonly storedBytes: number;
  readonly denseBytes: number;
  /** Median over passages; null: nothing was decoded. Differs from run to run. */
  readonly decodeTokensPerSecond: number | null;
}

/** A run's numbers. */
export interface EvalReport {
  readonly rows: readonly EvalRow[];
  readonly summary: readonly EvalSummary[];
}

/** The mean of a metric with its interval. */
export function intervalOf(metric: string, values: readonly number[], seed: number): Interval {
  if (ruleOf(metric).mean === "arithmetic") return bootstrap(values, seed);
  const logs = bootstrap(values.map(Math.log), seed);
  return { mean: Math.exp(logs.mean), low: Math.exp(logs.low), high: Math.exp(logs.high) };
}

/** Rows and summaries of results, in their order. */
export function reportOf(
  results: readonly EvalResult[],
  { tasks, seed }: { readonly tasks: readonly string[]; readonly seed: number },
): EvalReport {
  const rows: EvalRow[] = [];
  const groups = new Map<string, { row: EvalRow; values: number[]; results: EvalResult[] }>();
  for (const result of results) {
    const { spec, passage } = result;
    for (const { task, metric, value } of result.values) {
      if (!tasks.includes(task)) continue;
      const row = { spec, task, metric, passage, value };
      rows.push(row);
      const key = JSON.stringify([spec, task, metric]);
      const group = groups.get(key) ?? { row, values: [], results: [] };
      group.values.push(value);
      group.results.push(result);
      groups.set(key, group);
    }
  }
  const summary = [...groups.values()].map(({ row, values, results }): EvalSummary => {
    const { spec, task, metric } = row;
    const sum = (of: (result: EvalResult) => number) => results.reduce((a, r) => a + of(r), 0);
    const speeds = results.map((r) => r.decodeTokensPerSecond).filter((speed) => speed !== null);
    return {
      ...{ spec, task, metric, ...intervalOf(metric, values, seed), n: values.length },
      storedBytes: sum((r) => r.storedBytes),
      denseBytes: sum((r) => r.denseBytes),
      decodeTokensPerSecond: speeds.length === 0 ? null : quantile(speeds, 0.5),
    };
  });
  return { rows, summary };
}

/** What a task's prompts of one length gave. */
export interface LengthReport {
  /** Tokens. */
  readonly length: number;
  readonly report: EvalReport;
}

/** A task's prompts by length, the shortest first; none where all are of one: the report says it. */
export function reportsByLength(
  results: readonly EvalResult[],
  { task, seed }: { readonly task: string; readonly seed: number },
): LengthReport[] {
  const own = results.filter(({ labels, values }) =>
    typeof labels?.length === "number" && values.some((value) => value.task === task)
  );
  const groups = [...Map.groupBy(own, ({ labels }) => Number(labels!.length))];
  if (groups.length < 2) return [];
  return groups.sort(([a], [b]) => a - b)
    .map(([length, results]) => ({ length, report: reportOf(results, { tasks: [task], seed }) }));
}

/** A report that says of prompts of several lengths what each length gave, not their mean. */
export function reportOfLengths(
  results: readonly EvalResult[],
  options: { readonly tasks: readonly string[]; readonly seed: number },
): EvalReport {
  const { rows, summary } = reportOf(results, options);
  const lengths = options.tasks.flatMap((task) =>
    reportsByLength(results, { task, seed: options.seed })
      .flatMap(({ length, report }) => report.summary.map((item) => ({ ...item, length })))
  );
  const apart = new Set(lengths.map(({ task }) => task));
  return { rows, summary: [...summary.filter(({ task }) => !apart.has(task)), ...lengths] };
}

/** Two specs of neighbouring means, and whether their difference means anything. */
export interface Comparison {
  readonly a: string;
  readonly b: string;
  readonly metric: string;
  /** b − a over the passages that both have; of a `log` metric of the logarithms. */
  readonly difference: Interval;
  /** Passages that both have; one alone tells nothing apart. */
  readonly n: number;
  /** Its interval holds 0, or it is below the metric's noise. */
  readonly isSame: boolean;
}

/** Compares every two specs whose means of a metric are neighbours, by their paired differences. */
export function compareNeighbours(
  { rows, summary }: EvalReport,
  { task, metric, seed }: { readonly task: string; readonly metric: string; readonly seed: number },
): Comparison[] {
  const { noise, mean: kind } = ruleOf(metric);
  const of = (item: { task: string; metric: string }) =>
    item.task === task && item.metric === metric;
  const specs = summary.filter(of).sort((a, b) => a.mean - b.mean).map(({ spec }) => spec);
  const own = (spec: string) =>
    new Map(
      rows.filter((row) => of(row) && row.spec === spec)
        .map((row) => [row.passage, kind === "log" ? Math.log(row.value) : row.value]),
    );
  return specs.slice(1).flatMap((b, i) => {
    const [before, after] = [own(specs[i]!), own(b)];
    const pairs = [...after].filter(([passage]) => before.has(passage));
    if (pairs.length === 0) return [];
    const difference = bootstrap(pairs.map(([p, value]) => value - before.get(p)!), seed);
    const isSame = pairs.length === 1 || (difference.low <= 0 && difference.high >= 0) ||
      Math.abs(difference.mean) < noise;
    return [{ a: specs[i]!, b, metric, difference, n: pairs.length, isSame }];
  });
}
