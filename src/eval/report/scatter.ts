/**
 * Specs as numbered points over the bytes of their caches, with intervals. Those that no other beats in both
 * are filled and joined by a line.
 */

import type { Chart } from "./chart.ts";
import { placeLabels } from "./labels.ts";

/** A spec in a chart. */
export interface Point {
  /** The spec's number on the page. */
  readonly number: number;
  /** Stored bytes as a share of dense ones, in percent. */
  readonly x: number;
  readonly y: number;
  readonly low: number;
  readonly high: number;
}

/** What the vertical axis is. */
export interface Vertical {
  /** What it shows. */
  readonly title: string;
  /** What that is counted in, `share` from 0 to 1; empty: the title says it. */
  readonly unit: string;
  readonly better: "low" | "high";
  readonly scale: "linear" | "log";
  /** The axis begins at 0. */
  readonly fromZero?: boolean;
  /** Values below it say nothing. */
  readonly noise?: number;
}

const HEIGHT = 300;

/** Points that no other beats: as good with fewer bytes, or better with as few. */
export function frontier(points: readonly Point[], better: Vertical["better"]): Point[] {
  const sign = better === "low" ? 1 : -1;
  const beats = (a: Point, b: Point) =>
    a.x <= b.x && sign * a.y <= sign * b.y && (a.x < b.x || a.y !== b.y);
  return points.filter((b) => !points.some((a) => beats(a, b))).sort((a, b) => a.x - b.x);
}

/** Of what lies between 0 and 1, with room for points at the ends. */
const SHARE_ENDS = [-0.04, 1.04] as const;

/** The ends of the vertical axis, with room for what is drawn at them. */
function verticalEnds(points: readonly Point[], { unit, scale, fromZero, noise }: Vertical) {
  if (unit === "share") return SHARE_ENDS;
  const lows = [...points.map(({ low }) => low), ...(noise ? [noise] : [])];
  const [low, high] = [Math.min(...lows), Math.max(...points.map((point) => point.high))];
  if (scale === "log") return [low / 1.3, high * 1.3] as const;
  const room = 0.06 * (high - low || Math.abs(high) || 1);
  return [fromZero ? 0 : low - room, high + room] as const;
}

/** 1, 2 and 5 of every decade between two numbers. */
export function decadeTicks(low: number, high: number): number[] {
  const first = Math.floor(Math.log10(low));
  const n = Math.ceil(Math.log10(high)) - first;
  return Array.from({ length: n }, (_, i) => [1, 2, 5].map((x) => Number(`${x}e${first + i}`)))
    .flat().filter((x) => x >= low && x <= high);
}

/** @param width of the plot, in pixels */
export function scatter(points: readonly Point[], vertical: Vertical, width: number): Chart {
  const { title, unit, better, scale, noise } = vertical;
  const [bottom, top] = verticalEnds(points, vertical);
  const xs = points.map(({ x }) => x);
  const left = Math.max(0, 10 * Math.floor((Math.min(...xs) - 3) / 10));
  const right = Math.max(100, ...xs) + 4;
  const along = scale === "log" ? Math.log : (y: number) => y;
  const places = points.map(({ x, y }) => ({
    x: (x - left) / (right - left) * width,
    y: (1 - (along(y) - along(bottom)) / (along(top) - along(bottom))) * HEIGHT,
  }));
  const labels = placeLabels(places, HEIGHT);
  const best = frontier(points, better);
  const values = points.map((point, i) => ({
    ...point,
    isBest: best.includes(point),
    ...{ dx: labels[i]!.x, dy: labels[i]!.y },
  }));
  const ticks = scale === "log"
    ? { values: decadeTicks(bottom, top), format: "~g" }
    : { tickCount: 6 };
  const x = {
    ...{ field: "x", type: "quantitative" as const },
    scale: { domain: [left, right], nice: false, zero: false },
    axis: { title: "stored bytes of the KV cache, % of dense", tickCount: width > 400 ? 10 : 5 },
  };
  const y = {
    ...{ field: "y", type: "quantitative" as const },
    scale: { type: scale, domain: [bottom, top], nice: false },
    // Two lines: a title longer than the axis would leave room above it.
    axis: { title: [title, `${unit && `${unit}, `}${better}er is better`], ...ticks },
  };
  const isBest = (yes: string, no: string) => ({
    condition: { test: "datum.isBest", value: yes },
    value: no,
  });
  return {
    ...{ width, height: HEIGHT, data: { values } },
    layer: [
      ...(noise === undefined ? [] : [{
        data: { values: [{ y: noise }] },
        mark: { type: "rule" as const, strokeDash: [4, 4], color: "var(--dim)" },
        encoding: { y },
      }]),
      {
        transform: [{ filter: "datum.isBest" }],
        mark: { type: "line", color: "var(--mark)", strokeWidth: 1.5, opacity: 0.6 },
        encoding: { x, y },
      },
      {
        mark: { type: "rule", color: "var(--mark)", strokeWidth: 1.5, opacity: 0.7 },
        encoding: { x, y: { ...y, field: "low" }, y2: { field: "high" } },
      },
      {
        mark: { type: "circle", size: 50, opacity: 1, strokeWidth: 1.5 },
        encoding: {
          ...{ x, y },
          fill: isBest("var(--mark)", "var(--card)"),
          stroke: { value: "var(--mark)" },
        },
      },
      {
        mark: { type: "text", dx: { expr: "datum.dx" }, dy: { expr: "datum.dy" } },
        encoding: { x, y, text: { field: "number" }, color: isBest("var(--ink)", "var(--dim)") },
      },
    ],
  };
}
