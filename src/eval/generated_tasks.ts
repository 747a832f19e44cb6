/**
 * Tasks of RULER's kinds (arXiv:2404.06654), made from a seed: needles with one key, many keys, many values and
 * many questions, variables that are set to one another, common and frequent words, and facts looked up. The
 * words are Kerf's own and each question is continued rather than chatted about, for models without
 * instructions; answers are fed and graded as `answer.ts` says.
 */

import type { Question, Turn } from "./answer.ts";
import { cutText, hide } from "./haystack.ts";
import type { HaystackOptions, Hidden } from "./haystack.ts";
import { Draw, NAMES, PLACES, THINGS } from "./task_words.ts";

/** What a task is made from. */
export interface TaskSource extends HaystackOptions {
  readonly hay: string;
  /** Tokens of the whole prompt, about. */
  readonly nTokens: number;
  readonly random: () => number;
}

type Make = (source: TaskSource, draw: Draw) => Question;

/** What leads from a question to a list. */
const LIST = " these:";

/** Sentences hidden in the haystack, and what is asked of them. */
function hidden(
  source: TaskSource,
  sentences: readonly Hidden[],
  { turns, lead = "" }: Pick<Question, "turns" | "lead">,
): Question {
  const own = sentences.map(({ sentence }) => sentence).join("") + turns[0]!.given + lead;
  const room = Math.max(0, source.nTokens - source.encode(own).length);
  return { context: hide(cutText(source.hay, room, source), sentences), turns, lead };
}

/** Answers one after the other behind one question, with commas between. */
const listed = (given: string, answers: readonly string[]): Turn[] =>
  answers.map((answer, i) => ({ given: i === 0 ? given : ",", answer: ` ${answer}` }));

const codeSentence = (thing: string, code: string) => ` The code of the ${thing} is ${code}.`;

/** Codes of things, of which some are asked for one after the other. */
const codes = (nHidden: number, nAsked: number): Make => (source, draw) => {
  const things = draw.some(THINGS, nHidden);
  const numbers = draw.numbers(nHidden);
  const depths = draw.depths(nHidden);
  const sentences = things.map((thing, i) => ({
    sentence: codeSentence(thing, numbers[i]!),
    depth: depths[i]!,
  }));
  const asked = draw.some(things, nAsked);
  const turns = asked.map((thing, i) => ({
    given: `${i === 0 ? "\n\n" : ". "}The code of the ${thing} is`,
    answer: ` ${numbers[things.indexOf(thing)]}`,
  }));
  return hidden(source, sentences, { turns });
};

/** Things with several codes each, of which one is asked for all of its own, in the order of the text. */
const manyValues: Make = (source, draw) => {
  const [thing] = draw.some(THINGS, 1);
  const numbers = draw.numbers(4);
  const depths = draw.depths(numbers.length);
  const sentences = numbers.map((number, i) => ({
    sentence: ` Another code of the ${thing} is ${number}.`,
    depth: depths[i]!,
  }));
  const question = `\n\nThe codes of the ${thing}, in this order, are`;
  return hidden(source, sentences, { lead: LIST, turns: listed(question, numbers) });
};

/** A number that goes from variable to variable, beside another such chain; which variables hold it? */
const variables: Make = (source, draw) => {
  const letters = draw.shuffled([..."ABCDEFGHJKLMNPQRSTUVWXYZ"]);
  const chain = (names: readonly string[], number: string) =>
    names.map((name, i) => ` Let ${name} be ${i === 0 ? number : names[i - 1]}.`);
  const names = [letters.slice(0, 4), letters.slice(4, 8)].map((some) => some.map((c) => `V${c}`));
  const numbers = draw.numbers(names.length);
  const sentences = names.flatMap((some, i) => {
    const depths = draw.depths(some.length);
    return chain(some, numbers[i]!).map((sentence, k) => ({ sentence, depth: depths[k]! }));
  });
  const asked = draw.below(names.length);
  const question = `\n\nThe variables that are ${numbers[asked]}, in this order, are`;
  return hidden(source, sentences, { lead: LIST, turns: listed(question, names[asked]!) });
};

/** A list of words, some of which stand in it often. @param counts how often each of the first words stands */
function wordList(
  { nTokens, encode }: TaskSource,
  draw: Draw,
  { counts, rest, question }: {
    readonly counts: (length: number) => readonly number[];
    readonly rest: number;
    readonly question: string;
  },
): { readonly words: string[]; readonly common: string[]; readonly question: string } {
  const perWord = encode(THINGS.join(", ")).length / THINGS.length;
  const length = Math.max(8, Math.floor((nTokens - encode(question).length) / perWord));
  const share = counts(length);
  const things = draw.shuffled(THINGS);
  const common = things.slice(0, share.length);
  const words = share.flatMap((n, i) => Array<string>(n).fill(common[i]!));
  for (const thing of things.slice(share.length)) {
    for (let i = 0; i < rest && words.length < length; i++) words.push(thing);
  }
  return { words: draw.shuffled(words), common, question };
}

const wordTurns = (words: readonly string[], question: string, answers: readonly string[]) => ({
  context: `The words are: ${words.join(", ")}.`,
  lead: LIST,
  turns: listed(question, answers),
});

/** Three words stand much more often than all others: which, in the order in which they come first? */
const commonWords: Make = (source, draw) => {
  const { words, common, question } = wordList(source, draw, {
    counts: (length) => Array<number>(3).fill(Math.max(2, Math.round(0.2 * length))),
    rest: 3,
    question: "\n\nThe most common words, in the order in which they come first, are",
  });
  const order = common.toSorted((a, b) => words.indexOf(a) - words.indexOf(b));
  return wordTurns(words, question, order);
};

/** Words stand as often as Zipf's law has it: which are the three most frequent, the first of all first? */
const frequentWords: Make = (source, draw) => {
  const { words, common, question } = wordList(source, draw, {
    counts: (length) => {
      const shares = Array.from({ length: 12 }, (_, i) => 1 / (i + 1) ** 1.5);
      const sum = shares.reduce((a, b) => a + b, 0);
      return shares.map((share) => Math.max(1, Math.round(length * share / sum)));
    },
    rest: 0,
    question: "\n\nThe most frequent words, the most frequent first, are",
  });
  return wordTurns(words, question, common.slice(0, 3));
};

/** Who keeps what where: one of many such facts is asked for. */
const lookup: Make = (source, draw) => {
  const facts = draw.some(NAMES, 8).map((name, i) => ({
    name,
    thing: draw.some(THINGS, 1)[0]!,
    place: PLACES[(draw.below(PLACES.length) + i) % PLACES.length]!,
  }));
  const depths = draw.depths(facts.length);
  const sentences = facts.map(({ name, thing, place }, i) => ({
    sentence: ` ${name} keeps the ${thing} in ${place}.`,
    depth: depths[i]!,
  }));
  const [{ name, thing, place }] = draw.some(facts, 1) as [typeof facts[number]];
  const given = `\n\nQuestion: Where does ${name} keep the ${thing}?\nAnswer:`;
  const lead = ` ${name} keeps it in`;
  return hidden(source, sentences, { lead, turns: [{ given, answer: ` ${place}` }] });
};

/** The tasks by name. */
const TASKS: Readonly<Record<string, Make>> = Object.freeze({
  "single-key": codes(1, 1),
  "multi-key": codes(8, 1),
  "multi-value": manyValues,
  "multi-query": codes(4, 4),
  variables,
  "common-words": commonWords,
  "frequent-words": frequentWords,
  lookup,
});

/** Names of the generated tasks. */
export const GENERATED_TASKS: readonly string[] = Object.freeze(Object.keys(TASKS));

/** Makes a question of a task; the same source makes the same one. */
export function generatedQuestion(task: string, source: TaskSource): Question {
  return TASKS[task]!(source, new Draw(source.random));
}
