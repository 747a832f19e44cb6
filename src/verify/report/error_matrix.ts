/** The errors of a measurement as matrices that can be drawn: two axes at a time, long ones cut short. */

import type { Dimension } from "../compare.ts";
import type { ErrorMap } from "../result.ts";

/** A matrix of errors; NaN-free. */
export interface ErrorMatrix {
  /** The axes as they were, before runs of them became one line. */
  readonly rows: Dimension;
  readonly columns: Dimension;
  readonly nRows: number;
  readonly nColumns: number;
  /** What is shown of the third axis: `head 3`; empty without one. */
  readonly about: string;
  /** Row-major [nRows, nColumns]; Infinity where a number was none. */
  readonly errors: Float64Array;
  /** Errors as shares of their bounds. */
  readonly shares: Float64Array;
}

/** Lines along an axis at most. */
const MAX_ROWS = 40;
const MAX_COLUMNS = 128;

type WholeMatrix = Omit<ErrorMatrix, "nRows" | "nColumns">;

/**
 * The matrices that show a map: its two axes; of three, the first two with the largest error along the
 * third, then the first and the third at the worst place of the second (rows × channels of a head).
 */
export function errorMatrices({ dims, errors, bound }: ErrorMap): ErrorMatrix[] {
  const shares = errors.map((error, i) => error === 0 ? 0 : error / bound[i]!);
  const [a, b, c, more] = dims.filter(({ size }) => size > 1);
  if (a === undefined || b === undefined || more !== undefined) return [];
  if (c === undefined) return [pooled({ rows: a, columns: b, about: "", errors, shares })];
  const across = (values: Float64Array) =>
    Float64Array.from(
      { length: a.size * b.size },
      (_, n) => largestOf(values.subarray(n * c.size, (n + 1) * c.size)),
    );
  const worst = Math.floor(shares.indexOf(largestOf(shares)) / c.size) % b.size;
  const through = (values: Float64Array) =>
    Float64Array.from({ length: a.size * c.size }, (_, n) => {
      const row = Math.floor(n / c.size);
      return values[(row * b.size + worst) * c.size + n % c.size]!;
    });
  return [
    pooled({
      ...{ rows: a, columns: b, about: `largest over ${c.name}s` },
      ...{ errors: across(errors), shares: across(shares) },
    }),
    pooled({
      ...{ rows: a, columns: c, about: `${b.name} ${worst}` },
      ...{ errors: through(errors), shares: through(shares) },
    }),
  ];
}

/** The largest of some errors. */
export const largestOf = (values: Float64Array): number =>
  values.reduce((most, x) => Math.max(most, x), 0);

/** Long axes cut into runs, the largest of each. */
function pooled(matrix: WholeMatrix): ErrorMatrix {
  const { rows, columns } = matrix;
  const nRows = Math.min(MAX_ROWS, rows.size);
  const nColumns = Math.min(MAX_COLUMNS, columns.size);
  const pool = (values: Float64Array) => {
    const out = new Float64Array(nRows * nColumns);
    values.forEach((x, n) => {
      const row = Math.floor(Math.floor(n / columns.size) * nRows / rows.size);
      const at = row * nColumns + Math.floor(n % columns.size * nColumns / columns.size);
      out[at] = Math.max(out[at]!, x);
    });
    return out;
  };
  return {
    ...{ ...matrix, nRows, nColumns },
    ...{ errors: pool(matrix.errors), shares: pool(matrix.shares) },
  };
}
