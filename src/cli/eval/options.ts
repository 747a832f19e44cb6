/** What the flags of `eval` ask for, checked before anything is loaded. */

import { parseDuration } from "../../core/duration.ts";
import { KerfError } from "../../core/error.ts";
import { nearest } from "../../core/nearest.ts";
import { expandSweep } from "../../engine/sweep.ts";
import { DEFAULT_TASKS, TASKS } from "../../eval/mod.ts";
import type { ParsedArgs } from "../args.ts";

/** What is asked for. */
export interface EvalFlags {
  readonly tasks: readonly string[];
  /** Specs as written, sweeps expanded. */
  readonly specs: readonly string[];
  /** P: tokens prefilled. */
  readonly nPrompt: number;
  /** T: tokens fed over the compressed cache. */
  readonly nFed: number;
  readonly seed: number;
  readonly budgetMs: number;
  /** Texts the user named; empty: the default ones. */
  readonly texts: readonly string[];
  /** Chapters of Moby Dick that passages begin with; empty: the default ones. */
  readonly chapters: readonly number[];
  /** Lengths of prompts with needles and of chunks; empty: each task's own. */
  readonly lengths: readonly number[];
  /** Files of questions. */
  readonly questions: readonly string[];
  /** What is compressed of a question's prompt: all of it, or what stands before the question. */
  readonly compressAfter: "question" | "context";
}

/** What `--task` names; without it what is asked otherwise, or the usual. */
function tasksOf(text: string | undefined, hasQuestions: boolean): readonly string[] {
  if (text === undefined && hasQuestions) return [];
  const tasks = [...new Set((text ?? DEFAULT_TASKS.join()).split(",").map((name) => name.trim()))];
  for (const name of tasks) {
    if (Object.hasOwn(TASKS, name)) continue;
    const near = nearest(name, Object.keys(TASKS));
    throw new KerfError(`There is no task "${name}"`, {
      hint: near ? `did you mean ${near}?` : `one of ${Object.keys(TASKS).join(", ")}`,
      exitCode: 2,
    });
  }
  return tasks;
}

/** What is named twice is measured once: a passage counts as one. */
export const unique = <T>(items: readonly T[]): T[] => [...new Set(items)];

/** A question and its needles need some room. */
const SHORTEST = 64;

/** A whole number of a flag, from 1. */
export function atLeastOne(values: ParsedArgs["values"], name: string, usual: number): number {
  const value = (values[name] ?? usual) as number;
  if (value >= 1) return value;
  throw new KerfError(`Cannot use -${name} ${value}: it must be at least 1`, {
    hint: `-${name} ${usual}`,
    exitCode: 2,
  });
}

function budgetOf(text: string | undefined): number {
  if (text === undefined) return Infinity;
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0) return ms;
  throw new KerfError(`Cannot use "${text}" for --budget: it is no span of time`, {
    hint: "--budget 10m, 90s or 1.5h",
    exitCode: 2,
  });
}

/** @throws {KerfError} exit code 2: a flag would change nothing of what is asked */
function checkEffect(
  values: ParsedArgs["values"],
  tasks: readonly string[],
  questions: readonly string[],
): void {
  const asks = tasks.some((task) => ["needle", "generated"].includes(TASKS[task]!.kind));
  const hasLengths = asks || tasks.includes("llama-ppl");
  if (values.c !== undefined && !hasLengths) {
    throw new KerfError("-c has no effect: no task makes prompts of a length", {
      hint: "-p for passages, or --task needle -c 2048",
      exitCode: 2,
    });
  }
  if (values.chapters !== undefined && values.text !== undefined) {
    throw new KerfError("--chapters has no effect beside --text: they are Moby Dick's", {
      hint: "leave out one of them",
      exitCode: 2,
    });
  }
  if (values["compress-after"] !== undefined && !asks && questions.length === 0) {
    throw new KerfError("--compress-after has no effect: no task asks anything", {
      hint: "--task needle --compress-after file, or --questions FILE.jsonl",
      exitCode: 2,
    });
  }
}

/** Reads the flags. @throws {KerfError} exit code 2: a value makes no sense */
export function evalFlags({ values, positionals }: ParsedArgs): EvalFlags {
  const texts = (values.text as readonly string[] | undefined) ?? [];
  if (texts.length === 0 && positionals.length > 0) {
    const [word] = positionals as [string];
    const near = nearest(word, ["calibrate"]);
    throw new KerfError(`Cannot use "${word}": eval takes flags only`, {
      hint: near ? `did you mean deno task eval ${near}?` : `a text to evaluate on: --text ${word}`,
      exitCode: 2,
    });
  }
  const questions = unique((values.questions as readonly string[] | undefined) ?? []);
  const lengths = unique((values.c as readonly number[] | undefined) ?? []);
  if (lengths.some((n) => n < SHORTEST)) {
    throw new KerfError(`Cannot use -c ${lengths}: prompts have at least ${SHORTEST} tokens`, {
      hint: "-c 1024,2048",
      exitCode: 2,
    });
  }
  const tasks = tasksOf(values.task as string | undefined, questions.length > 0);
  checkEffect(values, tasks, questions);
  return {
    ...{ tasks, questions, lengths },
    chapters: unique((values.chapters as readonly number[] | undefined) ?? []),
    compressAfter: values["compress-after"] === undefined ? "question" : "context",
    specs: ((values.prune as readonly string[] | undefined) ?? ["none"]).flatMap(expandSweep),
    nPrompt: atLeastOne(values, "p", 1024),
    nFed: atLeastOne(values, "n", 256),
    seed: (values.s as number | undefined) ?? 1,
    budgetMs: budgetOf(values.budget as string | undefined),
    texts: unique([...texts, ...positionals]),
  };
}
