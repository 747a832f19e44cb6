/**
 * Errors as pictures: a square per element, dark where the error is small and bright where it is large, on
 * a logarithmic scale. Elements beyond their bound have a frame.
 */

import type { ErrorMatrix } from "./error_matrix.ts";
import { element } from "../../core/html.ts";
import type { Html } from "../../core/html.ts";

/** Steps of the scale, small to large; the style has a colour for each. */
export const HEAT_STEPS = 12;

/** Decades below the largest error that the scale tells apart: rounding rarely spans more. */
const DECADES = 4;

/** The step of an error on a scale whose end is `largest`; −1 for no error. */
export function heatStep(error: number, largest: number): number {
  if (error === 0) return -1;
  if (!(error < largest)) return HEAT_STEPS - 1;
  const below = Math.log10(largest / error) / DECADES;
  return Math.max(0, Math.floor((1 - below) * HEAT_STEPS));
}

const text = (x: number, y: number, words: string | number, anchor = "start"): Html =>
  element("text", { x, y, "text-anchor": anchor }, words);

/** @param largest the error at the scale's end, shared by the maps that stand beside each other */
export function heatMap(matrix: ErrorMatrix, largest: number): Html {
  const { rows, columns, nRows, nColumns, errors, shares, about } = matrix;
  const width = Math.max(2, Math.min(9, Math.floor(224 / nColumns)));
  const height = Math.max(4, Math.min(9, Math.floor(160 / nRows)));
  const squares: string[] = new Array(HEAT_STEPS).fill("");
  let beyond = "";
  errors.forEach((error, n) => {
    const step = heatStep(error, largest);
    const square = `M${n % nColumns * width} ${
      Math.floor(n / nColumns) * height
    }h${width}v${height}h${-width}z`;
    if (step >= 0) squares[step] += square;
    if (shares[n]! > 1) beyond += square;
  });
  const [w, h] = [nColumns * width, nRows * height];
  const [left, top, below] = [30, 2, 16];
  const title = `errors by ${rows.name} and ${columns.name}${about && `, ${about}`}`;
  return element(
    "figure",
    { class: "map" },
    element("figcaption", {}, `${rows.name} × ${columns.name}${about && `, ${about}`}`),
    element(
      "svg",
      {
        viewBox: `${-left} ${-top} ${w + left + 6} ${h + top + below}`,
        ...{ width: w + left + 6, height: h + top + below, role: "img", "aria-label": title },
      },
      element("rect", { class: "none", width: w, height: h }),
      squares.map((d, step) => d === "" ? [] : element("path", { class: `h${step}`, d })),
      beyond === "" ? [] : element("path", { class: "beyond", d: beyond }),
      text(-4, Math.min(9, h), 0, "end"),
      nRows > 2 ? text(-4, h, rows.size - 1, "end") : [],
      text(0, h + 12, 0),
      text(w, h + 12, columns.size - 1, "end"),
    ),
  );
}

/** The scale of maps that end at `largest`. */
export function heatLegend(largest: number): Html {
  const [step, height] = [26, 10];
  const w = HEAT_STEPS * step;
  return element(
    "svg",
    {
      ...{ class: "legend", viewBox: `-2 0 ${w + 130} 28`, width: w + 130, height: 28 },
      ...{ role: "img", "aria-label": "scale of the errors" },
    },
    Array.from(
      { length: HEAT_STEPS },
      (_, i) => element("rect", { class: `h${i}`, x: i * step, width: step, height }),
    ),
    Array.from({ length: DECADES + 1 }, (_, i) => {
      const value = largest * 10 ** (i - DECADES);
      const anchor = i === 0 ? "start" : i === DECADES ? "end" : "middle";
      return text(i * w / DECADES, height + 13, value.toExponential(1), anchor);
    }),
    element("rect", { class: "none", x: w + 18, width: 16, height }),
    text(w + 40, height - 1, "no error"),
  );
}
