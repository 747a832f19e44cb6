/**
 * The study's charts as SVG files that stand alone, light and dark by the reader's setting: a metric against
 * stored bytes, a mark a spec, and a line for each family through those
 * that no other of it beats in both.
 */

import { chartSvg } from "../../src/eval/report/chart.ts";
import type { Chart } from "../../src/eval/report/chart.ts";
import { FAMILIES } from "./families.ts";

/** A spec in a chart. */
export interface Mark {
  readonly family: string;
  /** Stored bytes, percent of dense. */
  readonly x: number;
  readonly y: number;
}

/** What the vertical axis is. */
export interface Vertical {
  readonly title: string;
  readonly better: "low" | "high";
  readonly scale: "linear" | "log";
  /** The first and last are the axis' ends. */
  readonly ticks: readonly number[];
  /** A dashed line, and what it says. */
  readonly rule?: { readonly y: number; readonly text: string };
}

/** Small enough that a telephone shows its letters. */
const [WIDTH, HEIGHT] = [480, 340];
const BYTES = [12, 16, 20, 25, 33, 50, 75, 100];

/** Hues that differ also without red or green, dark on light paper and the other way round. */
const COLORS = [
  ...[["#5b6470", "#a3adba"], ["#b8860b", "#e0b23c"], ["#8a5a2b", "#c99762"]],
  ...[["#0072b2", "#56b4e9"], ["#00806a", "#2fc7a4"], ["#7b3fa0", "#c08be0"]],
  ...[["#c2410c", "#ff8a4c"], ["#b0165b", "#ff77ae"]],
];

const variables = (dark: 0 | 1) => COLORS.map((pair, i) => `--f${i}:${pair[dark]}`).join(";");

const STYLE =
  `svg{color-scheme:light dark;background:#fff;--ink:#1d2126;--dim:#5f6772;--line:#dfe2e6;
${variables(0)}}
@media (prefers-color-scheme:dark){svg{background:#15181c;--ink:#e3e6ea;--dim:#9aa3af;--line:#363c45;
${variables(1)}}}`;

/** Bytes that differ by less, in percent of dense, are the same budget. */
const SAME_BYTES = 0.5;

/** Marks that no other beats: as good with fewer bytes, or better with as many. */
export function frontier(marks: readonly Mark[], better: Vertical["better"]): Mark[] {
  const gain = (a: Mark, b: Mark) => better === "low" ? b.y - a.y : a.y - b.y;
  const beats = (a: Mark, b: Mark) =>
    gain(a, b) > 0 ? a.x < b.x + SAME_BYTES : gain(a, b) === 0 && a.x < b.x;
  return marks.filter((b) => !marks.some((a) => beats(a, b)));
}

/** @param title what it shows, over the chart */
export async function familyChart(
  marks: readonly Mark[],
  { title, vertical }: { readonly title: string; readonly vertical: Vertical },
): Promise<string> {
  const families = FAMILIES.filter(({ name }) => marks.some(({ family }) => family === name));
  const places = families.map((family) => FAMILIES.indexOf(family));
  const lines = families.flatMap(({ name }) =>
    frontier(marks.filter((mark) => mark.family === name), vertical.better)
  );
  const values = marks.map((mark) => ({ ...mark, opacity: lines.includes(mark) ? 1 : 0.45 }));
  const x = {
    ...{ field: "x", type: "quantitative" as const },
    scale: { type: "log" as const, domain: [11, 104], nice: false },
    axis: { title: "stored bytes of the KV cache, % of dense f16", values: BYTES, format: "~g" },
  };
  const y = {
    ...{ field: "y", type: "quantitative" as const },
    scale: { type: vertical.scale, domain: [vertical.ticks[0]!, vertical.ticks.at(-1)!] },
    axis: { title: vertical.title, values: [...vertical.ticks], format: "~g" },
  };
  const color = {
    ...{ field: "family", type: "nominal" as const, title: null },
    scale: { domain: families.map(({ name }) => name), range: places.map((i) => `var(--f${i})`) },
    legend: {
      ...{ orient: "bottom" as const, columns: 3, columnPadding: 24, offset: 8 },
      ...{ labelColor: "var(--ink)", labelFontSize: 12, symbolSize: 70, symbolOpacity: 1 },
    },
  };
  const shape = {
    ...{ field: "family", type: "nominal" as const, title: null },
    scale: { domain: families.map(({ name }) => name), range: families.map(({ shape }) => shape) },
  };
  const { rule } = vertical;
  const chart: Chart = {
    ...{ width: WIDTH, height: HEIGHT, padding: 12 },
    title: { text: title, anchor: "start", color: "var(--ink)", fontSize: 14, fontWeight: 600 },
    data: { values },
    layer: [
      ...(rule === undefined ? [] : [{
        data: { values: [{ y: rule.y, text: rule.text }] },
        layer: [
          { mark: { type: "rule" as const, strokeDash: [4, 4], color: "var(--dim)" } },
          {
            mark: {
              ...{ type: "text" as const, x: 4, dy: 9, align: "left" as const },
              color: "var(--dim)",
            },
            encoding: { text: { field: "text" } },
          },
        ],
        encoding: { y },
      }]),
      {
        data: { values: lines.map((mark) => ({ ...mark })) },
        mark: { type: "line", strokeWidth: 1.75 },
        encoding: { x, y, color },
      },
      {
        mark: { type: "point", filled: true, size: 50, opacity: 1 },
        encoding: {
          x,
          y,
          color,
          shape,
          opacity: { field: "opacity", type: "quantitative", scale: null },
        },
      },
    ],
  };
  const svg = await chartSvg(chart);
  return svg.replace(/^(<svg[^>]*>)/, `$1<style>${STYLE}</style>`) + "\n";
}
