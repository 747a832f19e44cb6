/**
 * Needle in a haystack: a number hidden in prose at five depths and asked for at the end, by continuing the
 * very words it was hidden in, which a small model without instructions can do. The prompts are those of the
 * reference data ("raw-number").
 */

import type { Question } from "./answer.ts";
import { cutText, hide, turned } from "./haystack.ts";
import type { HaystackOptions } from "./haystack.ts";

const DEPTHS = [0, 0.25, 0.5, 0.75, 1] as const;

/** Five digits each, drawn once. */
const NUMBERS = [
  ...["74829", "31650", "58207", "92416", "10583"],
  ...["67394", "45178", "86031", "23967", "59240"],
] as const;

/** Chapters of Moby Dick that the haystack begins with, as in the reference data. */
const HAY_CHAPTERS = [54, 16, 32, 3, 87] as const;

/** Prompts begin so many characters apart. */
const STRIDE = 3000;

/** Long prompts take long: of those the first of each depth. */
const LONG_TOKENS = 4096;

const QUESTION = "\n\nThe special magic number is";

/** A prompt with the place of its needle. */
export interface Needle extends Question {
  readonly depth: number;
  /** Counts prompts of a length from 0. */
  readonly index: number;
}

/** The default haystack: the reference's chapters, then the others. @param chapters chapter 1 first */
export function defaultHaystack(chapters: readonly string[]): string {
  const first: readonly number[] = HAY_CHAPTERS;
  const rest = chapters.map((_, i) => i + 1).filter((n) => !first.includes(n));
  return [...first, ...rest].map((n) => chapters[n - 1]!).join("\n\n");
}

/** The prompts of one length, in tokens: ten, or five of long ones. */
export function needles(hay: string, nTokens: number, options: HaystackOptions): Needle[] {
  const count = nTokens < LONG_TOKENS ? NUMBERS.length : DEPTHS.length;
  return NUMBERS.slice(0, count).map((number, index) => {
    const depth = DEPTHS[index % DEPTHS.length]!;
    const sentence = ` The special magic number is ${number}.`;
    const room = Math.max(0, nTokens - options.encode(sentence + QUESTION).length);
    const text = cutText(turned(hay, STRIDE * index), room, options);
    return {
      context: hide(text, [{ sentence, depth }]),
      turns: [{ given: QUESTION, answer: ` ${number}` }],
      ...{ depth, index },
    };
  });
}
