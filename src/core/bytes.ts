/** Bytes for people. */

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/**
 * A number of bytes in the largest unit that leaves at least one.
 *
 * @example
 * ```ts
 * import { formatBytes } from "./bytes.ts";
 * if (formatBytes(98362432) !== "93.8 MiB") throw new Error("wrong unit");
 * ```
 */
export function formatBytes(bytes: number): string {
  const unit = Math.min(UNITS.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** unit).toFixed(unit === 0 ? 0 : 1)} ${UNITS[unit]}`;
}
