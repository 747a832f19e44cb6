/** What to answer: words, a file, standard input, or a batch of JSON lines. */

import { KerfError } from "../core/error.ts";
import type { ChatMessage } from "../mod.ts";
import type { ParsedArgs } from "./args.ts";
import { userPath } from "./root.ts";

/** One thing to answer; `file` is the part that came from -f, for --compress-after. */
export interface TextPrompt {
  readonly kind: "text";
  readonly text: string;
  readonly file?: string;
}

/** What the command line asks. `chat`: nothing was given and a person is there to type. */
export type Asked =
  | TextPrompt
  | { readonly kind: "batch"; readonly prompts: readonly (string | readonly ChatMessage[])[] }
  | { readonly kind: "chat" };

/** Why a file cannot be read, by the class of Deno's error. */
const REASONS: Readonly<Record<string, string>> = {
  NotFound: "there is no such file",
  IsADirectory: "it is a folder",
  PermissionDenied: "you may not read it",
};

/** Reads a text file the user named. @throws {KerfError} exit code 2: it cannot be read */
export function readUserFile(path: string): string {
  try {
    return Deno.readTextFileSync(userPath(path));
  } catch (cause) {
    const why = cause instanceof Error ? REASONS[cause.name] : undefined;
    if (why === undefined) throw cause;
    throw new KerfError(`Cannot read "${userPath(path)}": ${why}`, {
      hint: `a relative path counts from ${userPath(".")}`,
      exitCode: 2,
      cause,
    });
  }
}

const isMessage = (value: unknown): value is ChatMessage =>
  typeof value === "object" && value !== null &&
  typeof (value as ChatMessage).role === "string" &&
  typeof (value as ChatMessage).content === "string";

/**
 * The prompts of a JSON-lines text, one `{"prompt": …}` or `{"messages": […]}` a line.
 *
 * @throws {KerfError} exit code 2, naming the line
 */
export function parseBatch(text: string, path: string): (string | ChatMessage[])[] {
  const bad = (line: number, why: string) =>
    new KerfError(`Cannot read "${path}" as a batch: ${why}`, {
      where: `${path}:${line}`,
      hint: 'one {"prompt": "…"} or {"messages": [{"role": "user", "content": "…"}]} a line',
      exitCode: 2,
    });
  const prompts: (string | ChatMessage[])[] = [];
  for (const [i, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    let item: { prompt?: unknown; messages?: unknown };
    try {
      item = JSON.parse(line);
    } catch {
      throw bad(i + 1, "the line is not JSON");
    }
    const messages = Array.isArray(item?.messages) ? item.messages : [];
    if (typeof item?.prompt === "string") prompts.push(item.prompt);
    else if (messages.length > 0 && messages.every(isMessage)) prompts.push(messages);
    else throw bad(i + 1, "the line has neither a prompt nor messages");
  }
  return prompts;
}

function batchOf(path: string, { values, positionals }: ParsedArgs): Asked {
  if (positionals.length > 0) {
    throw new KerfError(`Cannot add a prompt to the batch "${path}"`, {
      hint: "put the prompt into the file, one line each",
      exitCode: 2,
    });
  }
  if (values["compress-after"] !== undefined) {
    throw new KerfError(`Cannot compress after the batch "${path}": its lines are the prompts`, {
      hint: '-f FILE.txt --compress-after file "QUESTION"',
      exitCode: 2,
    });
  }
  const prompts = parseBatch(readUserFile(path), path);
  if (prompts.length === 0) throw emptyPrompt(`"${path}" is empty`);
  return { kind: "batch", prompts };
}

const emptyPrompt = (why: string, command = "run") =>
  new KerfError(`There is no prompt: ${why}`, {
    hint: `deno task ${command} "What is the capital of France?"`,
    exitCode: 2,
  });

/** What the command line asks. @throws {KerfError} exit code 2: a file cannot be read, or is empty */
export async function askedOf(args: ParsedArgs, command = "run"): Promise<Asked> {
  const { values, positionals } = args;
  const words = positionals.length > 0 ? positionals.join(" ") : undefined;
  const path = values.f as string | undefined;
  if (path?.endsWith(".jsonl")) return batchOf(path, args);
  if (path !== undefined) {
    const file = readUserFile(path);
    if (file.trim() === "") throw emptyPrompt(`"${path}" is empty`, command);
    if (words === undefined) return { kind: "text", text: file, file };
    return { kind: "text", text: `${file.trimEnd()}\n\n${words}`, file: file.trimEnd() };
  }
  if (values["compress-after"] !== undefined) {
    throw new KerfError("Cannot compress after a file: none was given", {
      hint: '-f FILE --compress-after file "QUESTION"',
      exitCode: 2,
    });
  }
  if (words?.trim() === "") throw emptyPrompt("the text is empty", command);
  if (words !== undefined) return { kind: "text", text: words };
  if (Deno.stdin.isTerminal()) return { kind: "chat" };
  const text = await new Response(Deno.stdin.readable).text();
  if (text.trim() === "") throw emptyPrompt("standard input is empty", command);
  return { kind: "text", text };
}
