/**
 * A conversation at the terminal. The cache is kept between turns; Ctrl-C ends an answer, and at the
 * prompt the conversation, as does Ctrl-D. What a turn cannot do ends the turn, not the conversation.
 */

import { TextLineStream } from "@std/streams/text-line-stream";
import { KerfError } from "../core/error.ts";
import type { ChatMessage, GenerateOptions, Model } from "../mod.ts";
import { statsText } from "./stats.ts";
import { dim, writeError, writeOut } from "./terminal.ts";

/** What is printed beside the answers. */
export interface ChatOptions {
  readonly quiet: boolean;
  readonly showStats: boolean;
}

/** The launcher passes on what the terminal sends to both: two interrupts this close are one. */
const SAME_INTERRUPT_MS = 100;

/** Runs the conversation to its end; returns the exit code. */
export async function chat(
  model: Model,
  options: GenerateOptions,
  { quiet, showStats }: ChatOptions,
): Promise<number> {
  const { system, ...rest } = options;
  const messages: ChatMessage[] = system === undefined ? [] : [{ role: "system", content: system }];
  const input: ReadableStream<string> = Deno.stdin.readable
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  const lines = input.getReader();
  let answering: AbortController | undefined;
  let interruptedAt: number | undefined;
  let left = false;
  Deno.addSignalListener("SIGINT", () => {
    const now = performance.now();
    const isSame = interruptedAt !== undefined && now - interruptedAt < SAME_INTERRUPT_MS;
    interruptedAt = now;
    if (isSame) return;
    if (answering) return answering.abort();
    left = true;
    void lines.cancel();
  });
  using session = model.session();
  if (!quiet) {
    writeError(
      dim("a line ending in \\ goes on; Ctrl-C ends an answer, Ctrl-D the conversation\n"),
    );
  }
  for (;;) {
    const text = await readTurn(lines);
    if (text === undefined) break;
    if (text.trim() === "") continue;
    const turn: ChatMessage = { role: "user", content: text };
    answering = new AbortController();
    try {
      const generation = model.generate([...messages, turn], {
        ...rest,
        session,
        signal: answering.signal,
      });
      for await (const piece of generation) writeOut(piece);
      const result = await generation.result;
      writeOut("\n");
      if (showStats) writeError(statsText(model, result) + "\n");
      messages.push(turn, { role: "assistant", content: result.text });
    } catch (error) {
      if (!(error instanceof KerfError)) throw error;
      writeError(error.render() + "\n");
    } finally {
      answering = undefined;
    }
  }
  writeError("\n");
  return left ? 130 : 0;
}

/** The lines up to one that does not end in a backslash; undefined at the end of the input. */
async function readTurn(lines: ReadableStreamDefaultReader<string>): Promise<string | undefined> {
  let text = "";
  for (let sign = "> ";; sign = "… ") {
    writeError(sign);
    const { done, value: line } = await lines.read();
    if (done) return undefined;
    if (!line.endsWith("\\")) return text + line;
    text += line.slice(0, -1) + "\n";
  }
}
