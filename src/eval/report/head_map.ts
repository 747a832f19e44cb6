/** A number of every layer and head as a picture: a square each, layers from the top, fuller the larger it is. */

import type { Chart } from "./chart.ts";

/** What stands in a square. */
export interface HeadCell {
  readonly layer: number;
  /** A KV head, or `all` of the layer. */
  readonly head: string;
  /** How full it is, 0 to 1. */
  readonly share: number;
  readonly text: string;
}

const HEIGHT = 16;

/** All columns together, in pixels: a card is little wider. */
const WIDTH = 216;

/** Numbers of two digits need so many pixels; narrower squares have none. */
const TEXT_WIDTH = 30;

/** Above it, the square is darker than a text on it may be. */
const FULL_SHARE = 0.6;

export function headMap(cells: readonly HeadCell[]): Chart {
  const n = (of: (cell: HeadCell) => unknown) => new Set(cells.map(of)).size;
  const nColumns = n(({ head }) => head);
  const axis = (title: string) => ({ title, labelAngle: 0, ticks: false, domain: false });
  const y = { field: "layer", type: "ordinal" as const, axis: axis("layer") };
  const x = {
    ...{ field: "head", type: "ordinal" as const },
    axis: { ...axis("KV head"), orient: "top" as const },
  };
  const hasTexts = WIDTH / nColumns >= TEXT_WIDTH;
  return {
    ...{ width: WIDTH, height: HEIGHT * n(({ layer }) => layer) },
    data: { values: [...cells] },
    encoding: { x, y },
    layer: [
      {
        mark: { type: "rect", fill: "var(--mark)", stroke: "var(--line)" },
        encoding: { fillOpacity: { field: "share", type: "quantitative", scale: null } },
      },
      ...(hasTexts
        ? [{
          mark: { type: "text" as const },
          encoding: {
            text: { field: "text" },
            color: {
              condition: { test: `datum.share > ${FULL_SHARE}`, value: "var(--card)" },
              value: "var(--ink)",
            },
          },
        }]
        : []),
    ],
  };
}
