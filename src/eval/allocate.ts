/**
 * A budget split over units so that their losses sum to the least: what each unit loses at some counts is
 * measured, the rest lies on straight lines between. Reads numbers only; what a unit is, it does not know.
 */

/** What a unit loses where it keeps so many. */
export interface LossPoint {
  readonly kept: number;
  readonly loss: number;
}

/** Ascending in `kept`; the last point keeps the most that a unit may. */
export type LossCurve = readonly LossPoint[];

/** What may be shared out. */
export interface Shares {
  /** Of all units together. */
  readonly total: number;
  /** Counts are whole multiples of this. */
  readonly multiple: number;
}

/**
 * Counts of units with the least sum of losses among those on the lower convex hulls of their curves, where
 * giving the next share to the unit that gains most from it is optimal (Shoham and Gersho, "Efficient bit
 * allocation for an arbitrary set of quantizers", IEEE Trans. ASSP 36, 1988). Equal gains go to the lower
 * index. Every unit keeps at least the first count of its curve.
 *
 * @param curves counts in them are multiples of `multiple`, and so is the total
 * @returns one count a unit, which sum to the total
 * @throws {RangeError} they cannot: it is less than the first counts, or more than the last
 *
 * @example
 * ```ts
 * import { allocate } from "./allocate.ts";
 * const steep = [{ kept: 0, loss: 8 }, { kept: 4, loss: 0 }];
 * const flat = [{ kept: 0, loss: 1 }, { kept: 4, loss: 0 }];
 * if (allocate([flat, steep], { total: 5, multiple: 1 }).join() !== "1,4") throw new Error("wrong");
 * ```
 */
export function allocate(
  curves: readonly LossCurve[],
  { total, multiple }: Shares,
): number[] {
  const kept = curves.map((curve) => curve[0]!.kept);
  const sum = (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0);
  const most = sum(curves.map((curve) => curve.at(-1)!.kept));
  if (!(total >= sum(kept) && total <= most)) {
    throw new RangeError(`Cannot share ${total} out: units take ${sum(kept)} to ${most}`);
  }
  const edges = curves.flatMap((curve, unit) => {
    const hull = lowerHull(curve);
    return hull.slice(1).map((point, i) => {
      const before = hull[i]!;
      const size = point.kept - before.kept;
      return { unit, size, gain: (before.loss - point.loss) / size };
    });
  });
  // Gains of a hull fall from edge to edge, so those of a unit keep their order.
  edges.sort((a, b) => b.gain - a.gain || a.unit - b.unit);
  let left = total - sum(kept);
  for (const { unit, size } of edges) {
    const taken = Math.min(size, left);
    kept[unit]! += taken - taken % multiple;
    left -= taken - taken % multiple;
  }
  return kept;
}

/** The points of a curve that no line between two others passes below. */
function lowerHull(curve: LossCurve): LossPoint[] {
  const hull: LossPoint[] = [];
  for (const point of curve) {
    while (hull.length > 1 && !turnsUp(hull.at(-2)!, hull.at(-1)!, point)) hull.pop();
    hull.push(point);
  }
  return hull;
}

/** Whether the way over b bends upwards: b lies below the line from a to c. */
const turnsUp = (a: LossPoint, b: LossPoint, c: LossPoint): boolean =>
  (b.loss - a.loss) * (c.kept - b.kept) < (c.loss - b.loss) * (b.kept - a.kept);

/** A curve's loss at a count between its ends, on the straight lines between its points. */
export function lossAt(curve: LossCurve, kept: number): number {
  const i = Math.max(1, curve.findIndex((point) => point.kept >= kept));
  const [a, b] = [curve[i - 1]!, curve[i]!];
  return a.loss + (b.loss - a.loss) * (kept - a.kept) / (b.kept - a.kept);
}
