/**
 * Errors as pictures: one square per element, dark where the error is small and bright where it is large,
 * on a logarithmic scale. Long axes are cut into runs that show their largest error. Elements beyond their
 * bound have a frame.
 */

import type { ErrorMap } from "../result.ts";
import { html } from "./html.ts";
import type { Html } from "./html.ts";

/** A matrix of errors; NaN-free. */
export interface ErrorMatrix {
  readonly rows: { readonly name: string; readonly size: number };
  readonly columns: { readonly name: string; readonly size: number };
  /** What is shown of the third axis: `head 3`, `largest over channels`. */
  readonly about: string;
  /** Row-major; Infinity where a number was none. */
  readonly errors: Float64Array;
  /** Error as a share of its bound. */
  readonly shares: Float64Array;
}

/** Steps of the scale, small to large; the style has a colour for each. */
export const HEAT_STEPS = 12;

/** Decades below the largest error that the scale tells apart. */
export const HEAT_DECADES = 6;

/** Squares along an axis at most. */
const MAX_ROWS = 40;
const MAX_COLUMNS = 128;

/** The matrices that show a map: rows × heads and, of the worst head, rows × channels. */
export function matricesOf({ dims, errors, bound }: ErrorMap): ErrorMatrix[] {
  const shares = errors.map((error, i) => error === 0 ? 0 : error / bound[i]!);
  const axes = dims.filter(({ size }) => size > 1);
  const [a, b, c] = axes;
  if (b === undefined || axes.length > 3) return [];
  if (c === undefined) return [pooled({ rows: a!, columns: b, about: "", errors, shares })];
  const at = (i: number, j: number, k: number) => (i * b.size + j) * c.size + k;
  const slice = (values: Float64Array, j: number) =>
    Float64Array.from(
      { length: a!.size * c.size },
      (_, n) => values[at(Math.floor(n / c.size), j, n % c.size)]!,
    );
  const over = (values: Float64Array) =>
    Float64Array.from({ length: a!.size * b.size }, (_, n) => {
      const start = n * c.size;
      return values.subarray(start, start + c.size).reduce((most, x) => Math.max(most, x), 0);
    });
  const worst = shares.indexOf(shares.reduce((most, x) => Math.max(most, x), 0));
  const j = Math.floor(worst / c.size) % b.size;
  return [
    pooled({
      ...{ rows: a!, columns: b, about: `largest of each ${b.name}'s ${c.name}s` },
      ...{ errors: over(errors), shares: over(shares) },
    }),
    pooled({
      ...{ rows: a!, columns: c, about: `${b.name} ${j}` },
      ...{ errors: slice(errors, j), shares: slice(shares, j) },
    }),
  ];
}

/** The matrix with long axes cut into runs, the largest of each. */
function pooled(matrix: ErrorMatrix): ErrorMatrix {
  const { rows, columns } = matrix;
  const size = {
    rows: Math.min(MAX_ROWS, rows.size),
    columns: Math.min(MAX_COLUMNS, columns.size),
  };
  const pool = (values: Float64Array) => {
    const out = new Float64Array(size.rows * size.columns);
    values.forEach((x, n) => {
      const row = Math.floor(Math.floor(n / columns.size) * size.rows / rows.size);
      const column = Math.floor(n % columns.size * size.columns / columns.size);
      const at = row * size.columns + column;
      out[at] = Math.max(out[at]!, x);
    });
    return out;
  };
  return { ...matrix, errors: pool(matrix.errors), shares: pool(matrix.shares) };
}

/** The step of an error on a scale whose end is `largest`; −1 for none. */
export function heatStep(error: number, largest: number): number {
  if (error === 0) return -1;
  const below = Math.log10(largest / error) / HEAT_DECADES;
  const step = Math.floor((1 - below) * HEAT_STEPS);
  return Math.min(HEAT_STEPS - 1, Math.max(0, Number.isNaN(step) ? HEAT_STEPS - 1 : step));
}

/** @param largest the error at the scale's end, shared by the maps that stand beside each other */
export function heatMap(matrix: ErrorMatrix, largest: number): Html {
  const { rows, columns, errors, shares, about } = matrix;
  const nRows = Math.min(MAX_ROWS, rows.size), nColumns = Math.min(MAX_COLUMNS, columns.size);
  const width = Math.max(2, Math.min(10, Math.floor(256 / nColumns)));
  const height = Math.max(4, Math.min(10, Math.floor(160 / nRows)));
  const squares: string[] = new Array(HEAT_STEPS).fill("");
  let frames = "";
  errors.forEach((error, n) => {
    const step = heatStep(error, largest);
    const [x, y] = [n % nColumns * width, Math.floor(n / nColumns) * height];
    if (step >= 0) squares[step] += `M${x} ${y}h${width}v${height}h${-width}z`;
    if (shares[n]! > 1) frames += `M${x} ${y}h${width}v${height}h${-width}z`;
  });
  const [w, h] = [nColumns * width, nRows * height];
  const paths = squares.map((d, step) =>
    d === "" ? html`` : html`
      <path class="h${step}" d="${d}" />
    `
  );
  const beyond = frames === "" ? html`` : html`
    <path class="beyond" d="${frames}" />
  `;
  const label = `errors by ${rows.name} and ${columns.name}${about ? `, ${about}` : ""}`;
  return html`
    <figure class="map">
      <svg viewBox="-34 -4 ${w + 38} ${h + 34}" width="${w + 38}" height="${h + 34}" role="img"
        aria-label="${label}"><rect class="none" width="${w}" height="${h}"/>${paths}${beyond}<text x="-4" y="7" text-anchor="end">0</text><text x="-4" y="${h}" text-anchor="end">${rows
          .size - 1}</text><text transform="translate(-22 ${h /
          2}) rotate(-90)" text-anchor="middle">${rows.name}</text><text x="0" y="${h +
          12}">0</text><text x="${w}" y="${h + 12}" text-anchor="end">${columns.size -
          1}</text><text x="${w / 2}" y="${h + 12}" text-anchor="middle">${columns
          .name}</text><text class="about" x="0" y="${h + 26}">${about}</text></svg>
    </figure>
  `;
}

/** The scale of maps that end at `largest`. */
export function heatLegend(largest: number): Html {
  const [step, top] = [26, 4];
  const boxes = Array.from({ length: HEAT_STEPS }, (_, i) =>
    html`
      <rect class="h${i}" x="${i * step}" y="${top}" width="${step}" height="10" />
    `);
  const ticks = Array.from({ length: HEAT_DECADES + 1 }, (_, i) => {
    const x = i * step * HEAT_STEPS / HEAT_DECADES;
    const value = largest * 10 ** (i - HEAT_DECADES);
    const anchor = i === 0 ? "start" : i === HEAT_DECADES ? "end" : "middle";
    return html`<text x="${x}" y="${top + 22}" text-anchor="${anchor}">${
      value.toExponential(0)
    }</text>`;
  });
  const w = HEAT_STEPS * step;
  return html`
    <svg class="legend" viewBox="-2 0 ${w + 150} 30" width="${w + 150}" height="30" role="img"
      aria-label="scale of absolute errors">${boxes}${ticks}<rect class="none" x="${w +
        16}" y="${top}" width="16" height="10"/><text x="${w + 38}" y="${top +
        9}">no error</text><text x="${w + 16}" y="${top + 22}">|got − want|</text></svg>
  `;
}
