/** A text cut to a number of tokens, with sentences hidden in it at the ends of others. */

/** What is cut and how. */
export interface HaystackOptions {
  readonly encode: (text: string) => readonly number[];
  readonly decode: (ids: readonly number[]) => string;
}

/** A sentence, and how deep it lies: 0 the beginning, 1 the end. It begins with a space. */
export interface Hidden {
  readonly sentence: string;
  readonly depth: number;
}

/** A text from a character on, its beginning behind its end. @param at counted around */
export function turned(text: string, at: number): string {
  const first = Math.floor(at) % text.length;
  return first === 0 ? text : `${text.slice(first)}\n\n${text.slice(0, first)}`;
}

/** More characters than so many tokens of prose have. */
const CHARACTERS_PER_TOKEN = 8;

/** The first `nTokens` tokens of a text; fewer if it has no more. A character that the cut breaks is left out. */
export function cutText(
  text: string,
  nTokens: number,
  { encode, decode }: HaystackOptions,
): string {
  const tokens = encode(text.slice(0, CHARACTERS_PER_TOKEN * (nTokens + 1)));
  return decode(tokens.slice(0, nTokens)).replace(/\ufffd+$/, "");
}

/** Where sentences of a text end, its beginning and its end among them. */
function sentenceEnds(text: string): number[] {
  const ends = [...text.matchAll(/[.!?](?=[ \n])/g)].map(({ index }) => index + 1);
  return [0, ...ends, text.length];
}

/**
 * Hides sentences, each at the sentence end that is nearest to its depth; the earlier of two as near.
 *
 * @example
 * ```ts
 * import { hide } from "./haystack.ts";
 * const text = hide("One. Two. Three.", [{ sentence: " Here.", depth: 0.3 }]);
 * if (text !== "One. Here. Two. Three.") throw new Error(text);
 * ```
 */
export function hide(text: string, hidden: readonly Hidden[]): string {
  const ends = sentenceEnds(text);
  const places = hidden.map(({ sentence, depth }) => {
    const wanted = depth * text.length;
    const at = ends.reduce((best, end) =>
      Math.abs(end - wanted) < Math.abs(best - wanted) ? end : best
    );
    return { sentence, at };
  });
  let made = text;
  // From the back: places before stay what they are. Of one place the first sentence stands first.
  for (const { sentence, at } of places.toReversed().sort((a, b) => b.at - a.at)) {
    const text = at === 0 ? `${sentence.trimStart()} ` : sentence;
    made = made.slice(0, at) + text + made.slice(at);
  }
  return made;
}
