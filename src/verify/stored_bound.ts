/** How far what is stored of a number that is off may be from what is stored of the exact one. */

/** A number and the largest distance of what a target has in its place. */
export interface OffNumber {
  readonly value: number;
  readonly error: number;
}

/**
 * Rounding to storage may go another way at either end of what f32 may be.
 *
 * @param store what a number reads as once it is stored
 */
export function storedBound({ value, error }: OffNumber, store: (x: number) => number): number {
  const want = store(value);
  const ends = [value - error, value + error].map((end) => Math.abs(store(end) - want));
  return Math.max(error, ...ends);
}
