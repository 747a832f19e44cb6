/** Questions of the user's own, a JSON object a line: `{"context", "question", "answer", "task"?}`. */

import { KerfError } from "../core/error.ts";
import type { Question } from "./answer.ts";

/** A question of a file. */
export interface UserQuestion extends Question {
  readonly task: string;
}

/** Tasks have a name that `--task` could hold. */
const TASK_NAME = /^[\w.-]+$/;

/**
 * Reads a file's questions; of several answers each goes on from the one before, with a comma between.
 *
 * @param where the file, in messages
 * @param usual the task of lines that name none
 * @throws {KerfError} exit code 2, naming the line
 */
export function parseQuestions(text: string, where: string, usual: string): UserQuestion[] {
  const questions = text.split("\n").flatMap((line, i) => {
    if (line.trim() === "") return [];
    const found = questionOf(line, usual);
    if (typeof found !== "string") return [found];
    throw new KerfError(`Cannot read "${where}" as questions: ${found}`, {
      where: `${where}:${i + 1}`,
      hint: 'one {"context": "…", "question": "…", "answer": "…"} a line',
      exitCode: 2,
    });
  });
  if (questions.length > 0) return questions;
  throw new KerfError(`Cannot read "${where}" as questions: it has none`, {
    hint: 'one {"context": "…", "question": "…", "answer": "…"} a line',
    exitCode: 2,
  });
}

/** A line's question, or why it is none. */
function questionOf(line: string, usual: string): UserQuestion | string {
  let item: Record<string, unknown> | null;
  try {
    item = JSON.parse(line);
  } catch {
    return "the line is not JSON";
  }
  const { context, question, answer, task = usual } = item ?? {};
  const answers = Array.isArray(answer) ? answer : [answer];
  if (typeof context !== "string" || context === "") return "the line has no context";
  if (typeof question !== "string" || question === "") return "the line has no question";
  if (answers.length === 0 || answers.some((text) => typeof text !== "string" || text === "")) {
    return "the line has no answer";
  }
  if (typeof task !== "string" || !TASK_NAME.test(task)) return "its task is no name";
  // An answer is a word behind the question's last; who writes the space means it.
  const spaced = (text: string) => /^\s/.test(text) ? text : ` ${text}`;
  return {
    task,
    context,
    turns: answers.map((text, i) => ({ given: i === 0 ? question : ",", answer: spaced(text) })),
  };
}
