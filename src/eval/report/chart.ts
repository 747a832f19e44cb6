/**
 * Vega-Lite charts drawn to SVG text, once, when a report is written: a reader's browser runs nothing. Colours
 * are variables of the page's style, so one drawing serves light, dark and paper.
 */

import { parse, View } from "vega";
import { compile } from "vega-lite";
import type { TopLevelSpec } from "vega-lite";
import { element, verbatim } from "../../core/html.ts";
import type { Html } from "../../core/html.ts";

/** What a chart consists of, without its look. */
export type Chart = Omit<Extract<TopLevelSpec, { layer: unknown }>, "config" | "$schema">;

const CONFIG: NonNullable<TopLevelSpec["config"]> = {
  background: "transparent",
  font: "system-ui, sans-serif",
  padding: 2,
  view: { stroke: null },
  axis: {
    ...{ labelColor: "var(--dim)", titleColor: "var(--dim)", gridColor: "var(--line)" },
    ...{ domainColor: "var(--line)", tickColor: "var(--line)" },
    ...{
      labelFontSize: 11,
      titleFontSize: 12,
      titleFontWeight: 400,
      titlePadding: 8,
      labelFlush: false,
    },
  },
  text: { color: "var(--ink)", fontSize: 11 },
};

/** One chart as SVG, whose colours are the variables `--ink`, `--dim`, `--line` and the chart's own. */
export async function chartSvg(chart: Chart): Promise<string> {
  const { spec } = compile({ ...chart, config: CONFIG } as TopLevelSpec);
  const view = new View(parse(spec), { renderer: "none" });
  const svg = await view.toSVG();
  view.finalize();
  return svg;
}

/**
 * One chart of a page.
 *
 * @param label what it shows, for those who do not see it
 */
export async function drawChart(chart: Chart, label: string): Promise<Html> {
  const svg = verbatim(await chartSvg(chart));
  return element("div", { class: "chart", role: "img", "aria-label": label }, svg);
}

/** Widths of a chart that fills a column: a page shows the one that its screen has room for. */
const COLUMN = { wide: 540, narrow: 270 } as const;

/** A chart for both widths of a column. */
export async function columnChart(
  chartOf: (width: number) => Chart,
  label: string,
): Promise<Html[]> {
  const drawn: Html[] = [];
  for (const [name, width] of Object.entries(COLUMN)) {
    drawn.push(element("div", { class: name }, await drawChart(chartOf(width), label)));
  }
  return drawn;
}
