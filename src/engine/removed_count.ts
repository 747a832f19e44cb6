/** How many of n a share removes. */

/**
 * Removed counts are floors of products such as 0.29 · 100, which a double puts just below 29: less than
 * this above a whole number counts as that number.
 */
const FLOOR_SLACK = 1e-9;

/** ⌊share · n⌋. */
export const removedCount = (share: number, n: number): number =>
  Math.floor(share * n + FLOOR_SLACK);
