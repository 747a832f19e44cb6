/** The order of rows in two classes. */

/**
 * @param chosen rows of the first class, ascending
 * @returns the chosen rows, then the others of `nRows`, each ascending
 *
 * @example
 * ```ts
 * import { orderRowsReference } from "./mod.ts";
 * if (orderRowsReference([1, 3], 5).join() !== "1,3,0,2,4") throw new Error("wrong");
 * ```
 */
export function orderRowsReference(chosen: readonly number[], nRows: number): number[] {
  const first = new Set(chosen);
  const rest = Array.from({ length: nRows }, (_, row) => row).filter((row) => !first.has(row));
  return [...chosen, ...rest];
}
