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

/** Chapters that the reference data were measured on, counted from 1, and those of long passages. */
const CHAPTERS = [3, 9, 36, 41, 48, 54, 64, 81] as const;
const LONG_CHAPTERS = [3, 54, 81] as const;

/** Passages from here on take so long that the reference data have three. */
const LONG_TOKENS = 3072;

/** The chapters that default passages of so many tokens begin with. */
export const defaultChapterNumbers = (nTokens: number): readonly number[] =>
  nTokens < LONG_TOKENS ? CHAPTERS : LONG_CHAPTERS;

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
 * Passages that begin with chapters; one that is too short is continued by those after it, joined by a blank
 * line.
 *
 * @param chapters chapter 1 first
 * @param numbers of the chapters that passages begin with, from 1
 * @throws {RangeError} there is no such chapter, or the text ends before the passage
 */
export function chapterPassages(
  chapters: readonly string[],
  numbers: readonly number[],
  { nTokens, encode }: {
    readonly nTokens: number;
    readonly encode: (text: string) => readonly number[];
  },
): Passage[] {
  return numbers.map((first) => {
    for (let last = first; last <= chapters.length && chapters[first - 1] !== undefined; last++) {
      const text = chapters.slice(first - 1, last).join("\n\n");
      // A token is seldom shorter than a character.
      const tokens = text.length < nTokens ? [] : encode(text);
      if (tokens.length < nTokens) continue;
      const name = last === first ? `chapter ${first}` : `chapters ${first} to ${last}`;
      return { name, tokens: tokens.slice(0, nTokens) };
    }
    throw new RangeError(`There are no ${nTokens} tokens from chapter ${first} on`);
  });
}

/** So many passages, in words. */
export const passagesText = (n: number): string => `${n} ${n === 1 ? "passage" : "passages"}`;
