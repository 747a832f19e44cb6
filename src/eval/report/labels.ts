/** Places for labels beside points, so that none hides another or a point, as far as there is room. */

/** Where something is, in pixels. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

/** Half of a label of two digits, and of a point, in pixels. */
const [HALF_WIDTH, HALF_HEIGHT, POINT] = [8, 7, 4];

/** Distances from a point, nearest first, and directions: to the right first, then round it. */
const RADII = [13, 20, 27, 34, 41];
const SIXTEENTHS = [0, 14, 2, 12, 4, 8, 10, 6, 15, 1, 13, 3, 11, 5, 9, 7];

const OFFSETS: readonly Place[] = RADII.flatMap((radius) =>
  SIXTEENTHS.map((sixteenth) => ({
    x: radius * Math.cos(sixteenth * Math.PI / 8),
    y: radius * Math.sin(sixteenth * Math.PI / 8),
  }))
);

/**
 * An offset for each point's label, in the points' order.
 *
 * @param height of the chart: labels stay inside
 */
export function placeLabels(points: readonly Place[], height: number): Place[] {
  const placed: Place[] = [];
  const isFree = ({ x, y }: Place) =>
    y >= HALF_HEIGHT && y <= height - HALF_HEIGHT &&
    placed.every((p) =>
      Math.abs(p.x - x) >= 2 * HALF_WIDTH || Math.abs(p.y - y) >= 2 * HALF_HEIGHT
    ) &&
    points.every((p) =>
      Math.abs(p.x - x) >= HALF_WIDTH + POINT || Math.abs(p.y - y) >= HALF_HEIGHT + POINT
    );
  return points.map((point) => {
    const at = (offset: Place) => ({ x: point.x + offset.x, y: point.y + offset.y });
    const offset = OFFSETS.find((offset) => isFree(at(offset))) ?? OFFSETS[0]!;
    placed.push(at(offset));
    return offset;
  });
}
