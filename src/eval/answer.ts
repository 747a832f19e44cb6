/**
 * Questions with one right answer: a context, then a script in which what is given and what is to be answered
 * take turns. The answer is fed, not generated: it is a hit where every token of it is the likeliest one, which
 * is where greedy decoding would have said it, and its NLL says by how much. The full prompt is compressed, or
 * with `compressAfter` the context alone, so that the question finds a compressed cache.
 */

import type { CaseLabels, EvalCase, Measured } from "./case.ts";
import { likeliest, negativeLogLikelihood } from "./distribution.ts";
import { mean } from "./statistics.ts";

/** A piece of a script: what is given, then what has to follow. */
export interface Turn {
  readonly given: string;
  readonly answer: string;
}

/** A context and what is asked about it. */
export interface Question {
  readonly context: string;
  /**
   * What leads from the first question to its answer. It is fed, never compressed: with it no token of the
   * answer is the full cache's, which gives the one behind the prompt.
   */
  readonly lead?: string;
  /** At least one. */
  readonly turns: readonly Turn[];
}

/** Which case a question makes. */
export interface AnswerOptions {
  readonly task: string;
  /** The metric of hits. Default `hit`. */
  readonly metric?: string;
  readonly passage: string;
  readonly labels?: CaseLabels;
  readonly encode: (text: string) => readonly number[];
  /** `question`: context and first question are compressed; `context`: only what stands before it. */
  readonly compressAfter: "question" | "context";
}

/** Tokens of a text that goes on from another, and where they begin: as one text where tokens allow it. */
function goingOn(
  before: { readonly text: string; readonly tokens: readonly number[] },
  more: string,
  encode: AnswerOptions["encode"],
): { readonly text: string; readonly tokens: readonly number[] } {
  const text = before.text + more;
  const whole = encode(text);
  const isPrefix = before.tokens.every((id, i) => id === whole[i]);
  return { text, tokens: isPrefix ? whole : [...before.tokens, ...encode(more)] };
}

/** The case of a question. */
export function answerCase(
  { context, turns, lead = "" }: Question,
  options: AnswerOptions,
): EvalCase<null> {
  const { task, metric = "hit", passage, labels, encode, compressAfter } = options;
  const asked = encode(context + turns[0]!.given);
  const nQuestion = encode(turns[0]!.given).length;
  let all = { text: context + turns[0]!.given, tokens: asked };
  const spans: { readonly begin: number; readonly end: number }[] = [];
  for (const [i, { given, answer }] of turns.entries()) {
    all = goingOn(all, i > 0 ? given : lead, encode);
    const begin = all.tokens.length;
    all = goingOn(all, answer, encode);
    spans.push({ begin, end: all.tokens.length });
  }
  const nPrompt = compressAfter === "question" ? asked.length : asked.length - nQuestion;
  const { tokens } = all;
  return {
    ...{ protocol: `${task} after ${compressAfter}`, tasks: [task], passage },
    ...(labels ? { labels } : {}),
    prompt: tokens.slice(0, nPrompt),
    nFollowing: tokens.length - 1 - nPrompt,
    identity: [tokens.slice(nPrompt), spans.map(({ begin, end }) => [begin, end])],
    isCompared: false,
    async measure(run): Promise<Measured<null>> {
      const nlls: number[] = [];
      const isRight: boolean[] = [];
      let at = nPrompt;
      const grade = (logits: Float32Array) => {
        if (spans.some(({ begin, end }) => begin <= at && at < end)) {
          nlls.push(negativeLogLikelihood(logits, tokens[at]!));
          isRight[at] = likeliest(logits) === tokens[at];
        }
        at++;
      };
      grade(run.promptLogits);
      for await (const logits of run.force(tokens.slice(nPrompt, -1))) grade(logits);
      const hits = spans.map(({ begin, end }) => isRight.slice(begin, end).every(Boolean));
      return {
        values: [
          { task, metric, value: mean(hits.map(Number)) },
          { task, metric: "answer_nll", value: mean(nlls) },
        ],
        trace: null,
      };
    },
  };
}
