/** What verification found, kernel by kernel: measurements of many cases added up. */

import type { Target } from "../core/manifest.ts";
import { compare, errorOf } from "./compare.ts";
import type { Dimension, HeadPicture, Measurement, Place } from "./compare.ts";

/** Where verification runs. */
export interface TargetLabel {
  readonly target: Target;
  /** For people: `c`, `cuda (emulated)`. */
  readonly label: string;
  /** The device's name. */
  readonly device: string;
}

/** An element and the case it was in. */
export interface CasePlace extends Place {
  readonly case: string;
}

/** The errors of one measurement, row-major over `dims`. */
export interface ErrorMap {
  readonly case: string;
  readonly dims: readonly Dimension[];
  readonly errors: Float64Array;
  /** The largest error allowed of each. */
  readonly bound: Float64Array;
}

/** What stayed of each KV head's rows in one case. */
export interface RowChoicePicture {
  readonly case: string;
  readonly heads: readonly HeadPicture[];
}

/** One kernel of one variant on one target, over all its cases. */
export interface Check {
  readonly variant: string;
  readonly kind: "attention" | "pruning";
  /** For people: `prefill`. */
  readonly kernel: string;
  readonly target: Target;
  /** Of the target. */
  readonly label: string;
  readonly cases: number;
  readonly maxAbs: number;
  /** Relative to the largest number of the same head and row. */
  readonly maxRel: number;
  /** As a share of the bound; at most 1 passes. */
  readonly maxShare: number;
  /** The element of the largest share; null when there was nothing to compare. */
  readonly worst: CasePlace | null;
  /** Elements of the largest share of each case that failed. */
  readonly failures: readonly CasePlace[];
  /** Channels, or rows, that were chosen otherwise because their scores lie at the cut. */
  readonly nearTies: number;
  readonly errorMap: ErrorMap | null;
  /** Of choices of rows the one that shows most. */
  readonly rows: RowChoicePicture | null;
}

/** Adds what one case measured of a kernel to its check; the first case starts it. */
export function addCase(
  check: Check | undefined,
  measurements: readonly Measurement[],
  about: Pick<Check, "variant" | "kind" | "target" | "label" | "kernel"> & {
    readonly case: string;
  },
): Check {
  const { case: name, ...owner } = about;
  const start: Check = check ?? {
    ...owner,
    ...{ cases: 0, maxAbs: 0, maxRel: 0, maxShare: 0, worst: null, failures: [] },
    ...{ nearTies: 0, errorMap: null, rows: null },
  };
  return measurements.reduce((sum, measurement) => addMeasurement(sum, measurement, name), {
    ...start,
    cases: start.cases + 1,
  });
}

function addMeasurement(check: Check, measurement: Measurement, name: string): Check {
  const found = compare(measurement);
  const place = found.worst && { case: name, ...found.worst };
  const isWorst = place !== null && (check.worst === null || found.maxShare > check.maxShare);
  return {
    ...check,
    maxAbs: Math.max(check.maxAbs, found.maxAbs),
    maxRel: Math.max(check.maxRel, found.maxRel),
    maxShare: Math.max(check.maxShare, found.maxShare),
    worst: isWorst ? place : check.worst,
    failures: found.passed ? check.failures : [...check.failures, place!],
    nearTies: check.nearTies + (measurement.nearTies ?? 0),
    errorMap: isWorst ? errorMap(measurement, name) : check.errorMap,
    rows: largerPicture(check.rows, measurement.rows && { case: name, heads: measurement.rows }),
  };
}

/** A choice shows most where many rows were evicted and many that could have been were not. */
const shows = ({ heads }: RowChoicePicture): number =>
  Math.min(
    ...(["evicted", "kept"] as const).map((what) =>
      heads.flat().filter(({ is }) => is === what).length
    ),
  );

/** The one that shows more, the first of equals. */
function largerPicture(
  known: RowChoicePicture | null,
  found: RowChoicePicture | undefined,
): RowChoicePicture | null {
  if (found === undefined) return known;
  return known === null || shows(found) > shows(known) ? found : known;
}

function errorMap({ dims, got, want, bound }: Measurement, name: string): ErrorMap {
  return {
    ...{ case: name, dims },
    errors: Float64Array.from(got, (x, i) => errorOf(x, want[i]!)),
    bound: Float64Array.from(got, (_, i) => bound?.[i] ?? 0),
  };
}
