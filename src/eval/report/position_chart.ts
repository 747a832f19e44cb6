/** KL along the tokens behind the cut: means over passages, of a few neighbouring positions each. */

import { KL_NOISE } from "../metrics.ts";
import { mean } from "../statistics.ts";
import type { Chart } from "./chart.ts";
import { decadeTicks } from "./scatter.ts";

/** The mean KL of a run of positions. */
export interface PositionKl {
  /** The middle of the run, tokens behind the cut. */
  readonly position: number;
  readonly kl: number;
}

/** Runs of positions: fewer, and a line hides where it rises; more, and it is all noise. */
const N_RUNS = 32;

/** Smaller ones are drawn as this: far below what says anything. */
const LEAST = KL_NOISE / 10;

/** @param series KL by position, one list a passage, at least one */
export function klAlong(series: readonly (readonly number[])[]): PositionKl[] {
  const n = Math.max(...series.map(({ length }) => length));
  const run = Math.ceil(n / N_RUNS);
  return Array.from({ length: Math.ceil(n / run) }, (_, i) => {
    const own = series.flatMap((kls) => kls.slice(i * run, (i + 1) * run));
    return { position: (i + Math.min(i + 1, n / run)) * run / 2, kl: mean(own) };
  });
}

/** @param largest the largest KL of the charts that stand beside each other */
export function positionChart(values: readonly PositionKl[], largest: number): Chart {
  const top = Math.max(largest, KL_NOISE) * 1.2;
  const y = {
    ...{ field: "kl", type: "quantitative" as const },
    scale: { type: "log" as const, domain: [LEAST, top], nice: false },
    axis: {
      title: "KL, nats",
      // Tens only: the chart is low.
      ...{
        values: decadeTicks(LEAST, top).filter((x) => /^(0\.0*)?10*$/.test(String(x))),
        format: "~g",
      },
    },
  };
  return {
    ...{ width: 210, height: 80 },
    data: { values: values.map((value) => ({ ...value, kl: Math.max(LEAST, value.kl) })) },
    layer: [
      {
        data: { values: [{ kl: KL_NOISE }] },
        mark: { type: "rule", strokeDash: [4, 4], color: "var(--dim)" },
        encoding: { y },
      },
      {
        mark: { type: "line", color: "var(--mark)", strokeWidth: 1.5 },
        encoding: {
          x: {
            ...{ field: "position", type: "quantitative" },
            scale: { nice: false, zero: true },
            axis: { title: "tokens behind the prompt", tickCount: 5, grid: false },
          },
          y,
        },
      },
    ],
  };
}
