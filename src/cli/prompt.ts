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

/** Reads a text file the user named. */
function readUserFile(path: string): string {
  try {
    return Deno.readTextFileSync(userPath(path));
  } catch (error) {
    if (error instanceof KerfError) throw error;
    const why = error instanceof Deno.errors.NotFound ? "there is no such file" : String(error);
    throw new KerfError(`Cannot read "${path}" as a prompt: ${why}`, { exitCode: 2 });
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

/** Standard input to its end. */
const readInput = async (): Promise<string> => await new Response(Deno.stdin.readable).text();

/** What the command line asks. @throws {KerfError} exit code 2: a file cannot be read, or is empty */
export async function askedOf({ values, positionals }: ParsedArgs): Promise<Asked> {
  const words = positionals.length > 0 ? positionals.join(" ") : undefined;
  const path = values.f as string | undefined;
  if (path?.endsWith(".jsonl")) {
    if (words !== undefined) {
      throw new KerfError(`Cannot add a prompt to the batch "${path}"`, {
        hint: "put the prompt into the file, one line each",
        exitCode: 2,
      });
    }
    const prompts = parseBatch(readUserFile(path), path);
    if (prompts.length === 0) throw new KerfError(`"${path}" holds no prompt`, { exitCode: 2 });
    return { kind: "batch", prompts };
  }
  if (path !== undefined) {
    const file = readUserFile(path);
    const text = words === undefined ? file : `${file.trimEnd()}\n\n${words}`;
    return { kind: "text", text, file: words === undefined ? file : file.trimEnd() };
  }
  if (words !== undefined) return { kind: "text", text: words };
  if (Deno.stdin.isTerminal()) return { kind: "chat" };
  const text = await readInput();
  if (text === "") {
    throw new KerfError("There is no prompt: standard input is empty", {
      hint: 'deno task run "What is the capital of France?"',
      exitCode: 2,
    });
  }
  return { kind: "text", text };
}
