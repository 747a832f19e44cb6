/**
 * Work groups spread over two axes where one is too short. Kernels count them along x, then y
 * (`kerf_item`), and leave those past the last alone.
 */

/** Work groups along x and y: at least `count`, and less than one row of x more. */
export function spreadGroups(count: number, longestAxis: number): [x: number, y: number] {
  const y = Math.max(1, Math.ceil(count / longestAxis));
  return [Math.ceil(count / y), y];
}
