/** Rows of numbers that must have the same bits: says where the first differs, not all that differ. */

import { AssertionError } from "@std/assert";

/** @throws {AssertionError} a row is missing or has another bit */
export function assertSameRows(
  got: readonly Float32Array[],
  want: readonly Float32Array[],
  what: string,
): void {
  if (got.length !== want.length) {
    throw new AssertionError(`${what}: ${got.length} rows, not ${want.length}`);
  }
  for (const [i, row] of want.entries()) {
    const other = got[i]!;
    const at = row.findIndex((x, j) => !Object.is(x, other[j]));
    if (at < 0 && other.length === row.length) continue;
    throw new AssertionError(
      `${what}: row ${i} of ${row.length} numbers has ${other.length}, ` +
        `and ${other[at]} at ${at} where ${row[at]} should be`,
    );
  }
}
