/** Comparison of a kernel's numbers with a reference's: every element within its own bound, NaN-strict. */

import { AssertionError } from "@std/assert";

/**
 * @param bound the largest |got − want| allowed, of element i
 * @throws {AssertionError} an element is off, with its index, both values and the largest error
 */
export function assertClose(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  options: { readonly bound: number | ((i: number) => number); readonly label?: string },
): void {
  const { bound, label = "values" } = options;
  const boundOf = (i: number) => typeof bound === "number" ? bound : bound(i);
  if (got.length !== want.length) {
    throw new AssertionError(`${label}: ${got.length} elements, not ${want.length}`);
  }
  let worst = -1;
  for (let i = 0; i < got.length; i++) {
    const over = (j: number) => Math.abs(got[j]! - want[j]!) / boundOf(j);
    // A NaN error is not within any bound, and none is larger.
    const within = got[i] === want[i] || over(i) <= 1;
    if (!within && (worst < 0 || !(over(i) <= over(worst)))) worst = i;
  }
  if (worst < 0) return;
  throw new AssertionError(
    `${label}: element ${worst} is ${got[worst]}, not ${want[worst]} ± ${boundOf(worst)}`,
  );
}
