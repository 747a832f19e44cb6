/** The nearest of some names, for "did you mean". */

import { levenshteinDistance } from "@std/text/levenshtein-distance";

/**
 * The name closest to `word` by edit distance, or undefined when none is close enough to be a slip:
 * more than half of the word's letters, and at least two, would have to change.
 */
export function nearest(word: string, names: readonly string[]): string | undefined {
  const ranked = names
    .map((name) => ({ name, distance: levenshteinDistance(word, name) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best && best.distance <= Math.max(2, Math.floor(word.length / 2)) ? best.name : undefined;
}
