/** Spans of time as people read them. */

/**
 * Milliseconds in the two largest units that say something.
 *
 * @example
 * ```ts
 * import { formatDuration } from "./duration.ts";
 * if (formatDuration(125_400) !== "2m 5s" || formatDuration(2340) !== "2.3s") throw new Error("wrong");
 * ```
 */
export function formatDuration(ms: number): string {
  if (ms < 9950) return `${(ms / 1000).toFixed(1)}s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${seconds % 60}s`;
  return `${Math.floor(minutes / 60)}h ${minutes % 60}m`;
}

/** "90s", "10m" or "1.5h" in milliseconds; undefined: it is none of these. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(s|m|h)$/.exec(text);
  if (!match) return undefined;
  return Number(match[1]) * { s: 1e3, m: 6e4, h: 3.6e6 }[match[2] as "s" | "m" | "h"];
}
