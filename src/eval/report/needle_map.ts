/** What one spec found of needles: a square per depth and length, fuller the more of them it hit. */

import type { Chart } from "./chart.ts";

/** Needles of one depth in prompts of one length. */
export interface NeedleCell {
  readonly length: number;
  readonly depth: number;
  /** Share of prompts hit. */
  readonly share: number;
}

const [CELL_WIDTH, CELL_HEIGHT] = [48, 24];

/** Above it, the square is darker than a text on it may be. */
const FULL_SHARE = 0.75;

export function needleMap(cells: readonly NeedleCell[]): Chart {
  const n = (of: (cell: NeedleCell) => number) => new Set(cells.map(of)).size;
  const x = { field: "length", type: "ordinal" as const, axis: { title: "tokens", labelAngle: 0 } };
  const y = { field: "depth", type: "ordinal" as const, axis: { title: "depth" } };
  return {
    ...{ width: CELL_WIDTH * n((c) => c.length), height: CELL_HEIGHT * n((c) => c.depth) },
    data: { values: [...cells] },
    encoding: { x, y },
    layer: [
      {
        mark: { type: "rect", fill: "var(--mark)", stroke: "var(--line)" },
        encoding: { fillOpacity: { field: "share", type: "quantitative", scale: null } },
      },
      {
        mark: { type: "text" },
        encoding: {
          text: { field: "share", type: "quantitative", format: ".0%" },
          color: {
            condition: { test: `datum.share > ${FULL_SHARE}`, value: "var(--card)" },
            value: "var(--ink)",
          },
        },
      },
    ],
  };
}
