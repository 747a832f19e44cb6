/**
 * Counts in words for people: `1 file`, `2 files`.
 *
 * @example
 * ```ts
 * import { counted } from "./counted.ts";
 * if (counted(1, "file") !== "1 file" || counted(0, "file") !== "0 files") throw new Error("wrong");
 * ```
 */
export const counted = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? "" : "s"}`;
