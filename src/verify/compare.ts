/**
 * What a kernel wrote against what it should have: every element within its own bound. NaN-strict: a
 * number that is none is infinitely far from everything, NaN included.
 */

/** An axis of the compared numbers, outermost first. */
export interface Dimension {
  /** `row`, `head`, `channel`, … */
  readonly name: string;
  readonly size: number;
}

/** A KV head's rows before an eviction, in order, and what became of each. */
export type HeadPicture = readonly {
  /** The token's true position. */
  readonly position: number;
  readonly is: "protected" | "kept" | "evicted";
}[];

/** What one kernel wrote in one case, and what was wanted; row-major over `dims`. */
export interface Measurement {
  /** For people: `prefill`. */
  readonly kernel: string;
  readonly dims: readonly Dimension[];
  readonly got: ArrayLike<number>;
  readonly want: ArrayLike<number>;
  /** The largest |got − want| of each element; absent: equal. */
  readonly bound?: ArrayLike<number>;
  /** Selections that differ where the scores at the cut are nearly equal; not failures. */
  readonly nearTies?: number;
  /** Of a choice of rows: what stays of each KV head. */
  readonly rows?: readonly HeadPicture[];
}

/** Where an element stands, and how far off it is. */
export interface Place {
  /** Index by the name of each dimension. */
  readonly at: Readonly<Record<string, number>>;
  readonly got: number;
  readonly want: number;
  readonly bound: number;
}

/** The outcome of a comparison. */
export interface Comparison {
  readonly passed: boolean;
  readonly maxAbs: number;
  /** Largest error relative to the largest wanted number of its innermost run (a head's channels). */
  readonly maxRel: number;
  /** Largest error as a share of its bound; at most 1 passes. */
  readonly maxShare: number;
  /** The element of the largest share. */
  readonly worst: Place | null;
}

/** |got − want|; equal infinities are no error, and a NaN is one without end. */
export function errorOf(got: number, want: number): number {
  if (got === want) return 0;
  const error = Math.abs(got - want);
  return Number.isNaN(error) ? Infinity : error;
}

/** @throws {RangeError} the numbers are not as many as the dimensions say */
export function compare({ dims, got, want, bound }: Measurement): Comparison {
  const n = dims.reduce((product, { size }) => product * size, 1);
  if (got.length !== n || want.length !== n || (bound !== undefined && bound.length !== n)) {
    throw new RangeError(
      `Cannot compare [${dims.map(({ size }) => size).join(", ")}] numbers: ` +
        `${got.length} were computed, ${want.length} wanted, ${bound?.length ?? n} bounds`,
    );
  }
  const run = dims.at(-1)?.size ?? 1;
  let [maxAbs, maxRel, maxShare, worst] = [0, 0, 0, -1];
  for (let start = 0; start < n; start += run) {
    let scale = 0;
    for (let i = start; i < start + run; i++) scale = Math.max(scale, Math.abs(want[i]!));
    for (let i = start; i < start + run; i++) {
      const error = errorOf(got[i]!, want[i]!);
      const limit = bound?.[i] ?? 0;
      const share = shareOf(error, limit);
      maxAbs = Math.max(maxAbs, error);
      maxRel = Math.max(maxRel, shareOf(error, scale));
      if (worst < 0 || share > maxShare) [maxShare, worst] = [share, i];
    }
  }
  const place = worst < 0 ? null : {
    at: placeOf(worst, dims),
    got: got[worst]!,
    want: want[worst]!,
    bound: bound?.[worst] ?? 0,
  };
  return { passed: maxShare <= 1, maxAbs, maxRel, maxShare, worst: place };
}

/** What part of `limit` an error takes; nothing is a part of none, or of what is no number. */
function shareOf(error: number, limit: number): number {
  if (error === 0) return 0;
  const share = error / limit;
  return Number.isNaN(share) ? Infinity : share;
}

/** The index along each dimension of element `index`. */
function placeOf(index: number, dims: readonly Dimension[]): Record<string, number> {
  const at: [string, number][] = [];
  let rest = index;
  for (const { name, size } of dims.toReversed()) {
    at.unshift([name, rest % size]);
    rest = Math.floor(rest / size);
  }
  return Object.fromEntries(at);
}
