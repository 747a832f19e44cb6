/** A section a task: quality against bytes, speed against bytes, the numbers. Tasks timed together show their speed once. */

import { element } from "../../core/html.ts";
import type { Html } from "../../core/html.ts";
import { aboutMetrics, KL_NOISE, ruleOf } from "../metrics.ts";
import { quantile } from "../statistics.ts";
import type { EvalResult } from "../results.ts";
import { compareNeighbours, reportsByLength } from "../summary.ts";
import type { EvalReport, EvalSummary } from "../summary.ts";
import { mainMetric } from "../tasks.ts";
import { columnChart } from "./chart.ts";
import { storedPercent } from "./numbered.ts";
import type { SpecNumbers } from "./numbered.ts";
import type { PageInput } from "./page.ts";
import { scatter } from "./scatter.ts";
import type { Point, Vertical } from "./scatter.ts";
import { markdownTable, sameList, taskTable } from "./tables.ts";

/** A spec's point per task, in the main metric. */
function points(own: readonly EvalSummary[], metric: string, numbers: SpecNumbers): Point[] {
  return own.filter((item) => item.metric === metric).map((item) => ({
    ...{ number: numbers.get(item.spec)!, x: storedPercent(item) },
    ...{ y: item.mean, low: item.low, high: item.high },
  }));
}

/** In the order of the tasks. */
export async function taskSections(
  { results, seed }: PageInput,
  report: EvalReport,
  numbers: SpecNumbers,
): Promise<Html[]> {
  const sections: Html[] = [];
  const drawnSpeeds = new Set<string>();
  for (const [task, own] of Map.groupBy(report.summary, (item) => item.task)) {
    const metric = mainMetric(task);
    const speeds = speedPoints(results, task, numbers);
    // Tasks of one protocol were timed together.
    const isNew = speeds.length > 0 && !drawnSpeeds.has(JSON.stringify(speeds));
    drawnSpeeds.add(JSON.stringify(speeds));
    sections.push(
      element("h2", {}, task),
      element("p", { class: "note" }, aboutMetrics([...new Set(own.map((item) => item.metric))])),
      element(
        "div",
        { class: "columns" },
        await qualityCard(points(own, metric, numbers), metric),
        isNew ? await speedCard(speeds) : [],
      ),
      taskTable(own, numbers),
      markdownTable(own),
      ...reportsByLength(results, { task, seed }).map(({ length, report }) =>
        taskTable(report.summary, numbers, `, ${length} tokens`)
      ),
      ...sameList(compareNeighbours(report, { task, metric, seed })),
    );
  }
  return sections;
}

/** What a chart says: which spec is best, and what is left in the fewest bytes. */
function message(
  points: readonly Point[],
  { better, digits }: Pick<Vertical, "better"> & { readonly digits: number },
): Html[] {
  const pruned = points.filter(({ x }) => x < 100).toSorted((a, b) => a.x - b.x);
  const sign = better === "low" ? 1 : -1;
  const [fewest] = pruned;
  const [best] = pruned.toSorted((a, b) => sign * (a.y - b.y));
  if (!fewest || !best) return [];
  const at = ({ number, x, y }: Point) =>
    `spec ${number}, ${y.toFixed(digits)} in ${x.toFixed(1)} % of the bytes.`;
  const texts = pruned.length === 1
    ? [`Of what stores less: ${at(best)}`]
    : best === fewest
    ? [`Best of those that store less, and in the fewest bytes: ${at(best)}`]
    : [`Best of those that store less: ${at(best)}`, ` In the fewest bytes: ${at(fewest)}`];
  return [element("p", { class: "said" }, texts)];
}

async function qualityCard(all: readonly Point[], metric: string): Promise<Html> {
  const { better, digits, noise, title, unit } = ruleOf(metric);
  // A KL of 0 is the full cache's own, which the others are measured from; it has no logarithm.
  const drawn = metric === "kl" ? all.filter(({ low }) => low > 0) : all;
  const vertical: Vertical = {
    ...{ title, unit, better },
    scale: metric === "kl" ? "log" : "linear",
    ...(noise > 0 ? { noise } : {}),
  };
  const heading = `${title} against bytes`;
  return element(
    "figure",
    { class: "card" },
    element("h3", {}, heading),
    drawn.length === 0
      ? element("p", { class: "note" }, "Nothing but the full cache itself was measured.")
      : [
        ...message(drawn, { better, digits }),
        ...await columnChart((width) => scatter(drawn, vertical, width), heading),
      ],
    metric === "kl"
      ? element(
        "p",
        { class: "note" },
        `Below the dashed line (${KL_NOISE}) is noise: two arithmetics of one model differ by as much. ` +
          "The full cache, of KL 0, is not drawn.",
      )
      : [],
  );
}

/** Speeds of a task's prompts: the median with the middle half of passages. */
function speedPoints(results: readonly EvalResult[], task: string, numbers: SpecNumbers): Point[] {
  const own = results.filter(({ values }) => values.some((value) => value.task === task));
  return [...Map.groupBy(own, ({ spec }) => spec)].flatMap(([spec, of]) => {
    const speeds = of.map((r) => r.decodeTokensPerSecond).filter((speed) => speed !== null);
    if (speeds.length === 0) return [];
    const sum = (name: "storedBytes" | "denseBytes") => of.reduce((a, r) => a + r[name], 0);
    const bytes = { storedBytes: sum("storedBytes"), denseBytes: sum("denseBytes") };
    return [{
      ...{ number: numbers.get(spec)!, x: storedPercent(bytes), y: quantile(speeds, 0.5) },
      ...{ low: quantile(speeds, 0.25), high: quantile(speeds, 0.75) },
    }];
  });
}

async function speedCard(all: readonly Point[]): Promise<Html> {
  const vertical: Vertical = {
    ...{ title: "Tokens a second", unit: "", better: "high" },
    ...{ scale: "linear", fromZero: true },
  };
  const title = "Speed of decoding against bytes";
  return element(
    "figure",
    { class: "card" },
    element("h3", {}, title),
    ...message(all, { better: "high", digits: 1 }),
    await columnChart((width) => scatter(all, vertical, width), title),
    element("p", { class: "note" }, "Medians over passages, with the middle half of them."),
  );
}
