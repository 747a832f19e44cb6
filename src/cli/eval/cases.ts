/** From flags to cases: every task's, taking turns, so that a budget of time leaves something of each. */

import { basename } from "@std/path";
import { KerfError } from "../../core/error.ts";
import { randomSource } from "../../engine/random.ts";
import {
  agreementCase,
  answerCase,
  chunkCase,
  continuationCase,
  defaultHaystack,
  generatedQuestion,
  needles,
  parseQuestions,
  TASKS,
  turned,
} from "../../eval/mod.ts";
import type { EvalCase, Task } from "../../eval/mod.ts";
import type { Tokenizer } from "../../model/tokenizer.ts";
import { readUserFile } from "../prompt.ts";
import type { EvalFlags } from "./options.ts";
import { defaultChapters, joinedTexts, passagesOf } from "./texts.ts";

/** What is measured. */
export interface EvalCases {
  readonly cases: readonly EvalCase[];
  /** Tasks whose numbers are printed: those asked for, and those of questions. */
  readonly tasks: readonly string[];
  /** What is to be said about texts that made no passage. */
  readonly said: readonly string[];
}

const [NEEDLE_TOKENS, CHUNK_TOKENS] = [1024, 512];

/** Prompts of a generated task of one length. */
const N_GENERATED = 10;

/** Chapters that perplexity was compared with llama-perplexity on. */
const CHUNK_CHAPTERS = [36, 41, 42];

type Tokens = Pick<Tokenizer, "encode" | "decode">;

/** What needles are hidden in. @throws {KerfError} it is too short for the longest prompt */
async function haystack({ texts }: EvalFlags, length: number, { encode }: Tokens): Promise<string> {
  const hay = texts.length > 0 ? joinedTexts(texts) : defaultHaystack(await defaultChapters());
  // No token of prose has eight characters on the mean.
  const has = encode(hay.slice(0, 8 * length)).length;
  if (has >= length) return hay;
  throw new KerfError(`Cannot hide needles in ${has} tokens: prompts have ${length}`, {
    hint: "longer texts, or a smaller -c",
    exitCode: 2,
  });
}

async function chunks(flags: EvalFlags, { encode }: Tokens): Promise<EvalCase[]> {
  const { texts, lengths } = flags;
  const text = texts.length > 0 ? joinedTexts(texts) : (await defaultChapters())
    .filter((_, i) => CHUNK_CHAPTERS.includes(i + 1))
    .map((chapter) => chapter.replace(/\n+$/, "")).join("\n\n");
  const tokens = encode(text);
  return (lengths.length > 0 ? lengths : [CHUNK_TOKENS]).flatMap((n) =>
    Array.from(
      { length: Math.floor(tokens.length / n) },
      (_, i) => chunkCase(`chunk ${i + 1} of ${n}`, tokens.slice(i * n, (i + 1) * n)),
    )
  );
}

async function asked(flags: EvalFlags, task: string, tokenizer: Tokens): Promise<EvalCase[]> {
  const { compressAfter, seed, lengths } = flags;
  const { encode } = tokenizer;
  const all = lengths.length > 0 ? lengths : [NEEDLE_TOKENS];
  const hay = await haystack(flags, Math.max(...all), tokenizer);
  const options = { task, encode, compressAfter };
  return all.flatMap((length) => {
    if (TASKS[task]!.kind === "needle") {
      return needles(hay, length, tokenizer).map(({ depth, index, ...question }) =>
        answerCase(question, {
          ...options,
          metric: "needle",
          passage: `${length} tokens, depth ${depth}, ${index + 1}`,
          labels: { length, depth },
        })
      );
    }
    return Array.from({ length: N_GENERATED }, (_, index) => {
      // A prompt's numbers depend on the seed, its length and its place, not on other tasks or prompts.
      const random = randomSource(seed * 1_000_003 + length * 101 + index);
      const own = {
        ...tokenizer,
        hay: turned(hay, random() * hay.length),
        nTokens: length,
        random,
      };
      const passage = `${length} tokens, ${index + 1}`;
      return answerCase(generatedQuestion(task, own), { ...options, passage, labels: { length } });
    });
  });
}

function questions(path: string, flags: EvalFlags, { encode }: Tokens): EvalCase[] {
  const usual = basename(path).replace(/\.jsonl?$/, "").replace(/[^\w.-]/g, "-");
  return parseQuestions(readUserFile(path), path, usual).map(({ task, ...question }, i) =>
    answerCase(question, {
      ...{ task, encode, compressAfter: flags.compressAfter },
      passage: `${basename(path)}, ${i + 1}`,
    })
  );
}

/** The lists' items in turns: the first of each, the second of each, … */
function turns<T>(lists: readonly (readonly T[])[]): T[] {
  const longest = Math.max(0, ...lists.map(({ length }) => length));
  return Array.from({ length: longest }, (_, i) => i)
    .flatMap((i) => lists.flatMap((list) => i < list.length ? [list[i]!] : []));
}

/** The cases that the flags ask for. @throws {KerfError} a text cannot be read or is too short */
export async function evalCases(flags: EvalFlags, tokenizer: Tokens): Promise<EvalCases> {
  const { tasks, nPrompt, nFed } = flags;
  const kinds = new Set<Task["kind"]>(tasks.map((task) => TASKS[task]!.kind));
  const lists: EvalCase[][] = [];
  const said: string[] = [];
  if (kinds.has("continuation") || kinds.has("agreement")) {
    const cut = await passagesOf(flags, nPrompt + nFed + 1, tokenizer.encode);
    said.push(...cut.said);
    if (kinds.has("continuation")) {
      lists.push(cut.passages.map((p) => continuationCase(p.name, p.tokens, nPrompt)));
    }
    if (kinds.has("agreement")) {
      lists.push(cut.passages.map((p) => agreementCase(p.name, p.tokens.slice(0, nPrompt))));
    }
  }
  if (kinds.has("chunks")) lists.push(await chunks(flags, tokenizer));
  for (const task of tasks) {
    if (["needle", "generated"].includes(TASKS[task]!.kind)) {
      lists.push(await asked(flags, task, tokenizer));
    }
  }
  lists.push(...flags.questions.map((path) => questions(path, flags, tokenizer)));
  const cases = turns(lists);
  if (cases.length === 0) {
    throw new KerfError("There is nothing to measure: the text is shorter than a chunk", {
      hint: "a longer --text, or a smaller -c",
      exitCode: 2,
    });
  }
  const own = cases.flatMap((item) => item.tasks).filter((task) => !Object.hasOwn(TASKS, task));
  return { cases, tasks: [...new Set([...tasks, ...own])], said };
}
