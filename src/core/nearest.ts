/** The nearest of some names, for "did you mean". */

import { levenshteinDistance } from "@std/text/levenshtein-distance";

const letters = (word: string) => [...word].sort().join("");

/** Edits from one word to another; letters in another order are one. */
const distance = (word: string, name: string) =>
  letters(word) === letters(name) ? 1 : levenshteinDistance(word, name);

/**
 * The name closest to `word` by edit distance, or undefined when none is close enough to be a slip: of a word of two
 * to four letters one may differ, of five to seven two, and so on.
 */
export function nearest(word: string, names: readonly string[]): string | undefined {
  const ranked = names
    .map((name) => ({ name, edits: distance(word, name) }))
    .sort((a, b) => a.edits - b.edits);
  const best = ranked[0];
  return best && best.edits <= Math.floor((word.length + 1) / 3) ? best.name : undefined;
}
