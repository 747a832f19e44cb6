/**
 * What follows each invocation of a program before the next may start. Barriers divide invocations into levels; where
 * all of two levels have parts, the barrier between them holds back parts only. Knows no device.
 */

import type { Invocation } from "./types.ts";

/** An invocation between barriers. */
export interface Place {
  /** Behind it: nothing, a wait for every item, or a wait of each item for those of its own parts. */
  readonly barrier: "none" | "full" | "parts";
  /** Whether a barrier of parts begins or ends its level. */
  readonly byParts: boolean;
}

/** Where each invocation stands. */
export function barriersOf(
  invocations: readonly Pick<Invocation, "barrier" | "parts">[],
): Place[] {
  const ends = invocations.flatMap(({ barrier }, i) => barrier === false ? [] : [i]);
  const levels = ends.map((end, i) => invocations.slice(i === 0 ? 0 : ends[i - 1]! + 1, end + 1));
  const divided = levels.map((level) => level.every(({ parts }) => parts !== undefined));
  const places: Place[] = invocations.map(() => ({ barrier: "none", byParts: false }));
  let [start, wasDivided] = [0, false];
  for (const [i, end] of ends.entries()) {
    const isDivided = divided[i]! && divided[i + 1] === true;
    places.fill({ barrier: "none", byParts: wasDivided || isDivided }, start, end);
    places[end] = {
      barrier: isDivided ? "parts" : "full",
      byParts: wasDivided || isDivided,
    };
    [start, wasDivided] = [end + 1, isDivided];
  }
  return places;
}
