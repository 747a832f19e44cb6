/**
 * Texts cut into passages: of each text its first tokens, as many as a protocol wants, without a beginning of
 * sentence. Says which texts are too short; the caller decides whether that is an error.
 */

/** A text with the name that its results carry. */
export interface NamedText {
  readonly name: string;
  readonly text: string;
}

/** A passage. */
export interface Passage {
  readonly name: string;
  readonly tokens: readonly number[];
}

/** Chapters that the reference data were measured on, counted from 1. */
export const DEFAULT_CHAPTERS = [3, 9, 36, 41, 48, 54, 64, 81] as const;

/** With fewer passages an interval says nothing. */
const FEWEST = 3;

/**
 * The first `nTokens` tokens of every text that has them.
 *
 * @param encode the whole text: a text is tokenised before it is cut
 */
export function cutPassages(
  texts: readonly NamedText[],
  nTokens: number,
  encode: (text: string) => readonly number[],
): { readonly passages: Passage[]; readonly short: { name: string; nTokens: number }[] } {
  const passages: Passage[] = [];
  const short: { name: string; nTokens: number }[] = [];
  for (const { name, text } of texts) {
    const tokens = encode(text);
    if (tokens.length >= nTokens) passages.push({ name, tokens: tokens.slice(0, nTokens) });
    else short.push({ name, nTokens: tokens.length });
  }
  return { passages, short };
}

/**
 * The default passages: those of the eight chapters that are long enough. Where fewer than three are, each
 * chapter is continued by the ones after it, joined by a blank line.
 *
 * @param chapters chapter 1 first
 */
export function defaultPassages(
  chapters: readonly string[],
  nTokens: number,
  encode: (text: string) => readonly number[],
): Passage[] {
  const texts = DEFAULT_CHAPTERS.map((n) => ({ name: `chapter ${n}`, text: chapters[n - 1]! }));
  const { passages } = cutPassages(texts, nTokens, encode);
  if (passages.length >= FEWEST) return passages;
  return DEFAULT_CHAPTERS.flatMap((first) => {
    for (let last = first; last <= chapters.length; last++) {
      const text = chapters.slice(first - 1, last).join("\n\n");
      // A token is seldom shorter than a character.
      if (text.length < nTokens) continue;
      const tokens = encode(text);
      if (tokens.length < nTokens) continue;
      const name = last === first ? `chapter ${first}` : `chapters ${first} to ${last}`;
      return [{ name, tokens: tokens.slice(0, nTokens) }];
    }
    return [];
  });
}
