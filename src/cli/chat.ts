/**
 * A conversation at the terminal. The cache is kept between turns; Ctrl-C ends an answer, and at the
 * prompt the conversation, as does Ctrl-D.
 */

import { TextLineStream } from "@std/streams/text-line-stream";
import type { ChatMessage, GenerateOptions, Model } from "../mod.ts";
import { statsText } from "./stats.ts";
import { dim, writeError, writeOut } from "./terminal.ts";

/** Runs the conversation to its end; returns the exit code. */
export async function chat(model: Model, options: GenerateOptions): Promise<number> {
  const { system, ...rest } = options;
  const messages: ChatMessage[] = system === undefined ? [] : [{ role: "system", content: system }];
  const input: ReadableStream<string> = Deno.stdin.readable
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  const lines = input.getReader();
  let answering: AbortController | undefined;
  let interrupted = false;
  Deno.addSignalListener("SIGINT", () => {
    if (answering) return answering.abort();
    interrupted = true;
    void lines.cancel();
  });
  using session = model.session();
  writeError(dim("a conversation; Ctrl-C ends an answer, Ctrl-D the conversation\n"));
  for (;;) {
    writeError("> ");
    const { done, value: line } = await lines.read();
    if (done) break;
    if (line.trim() === "") continue;
    messages.push({ role: "user", content: line });
    answering = new AbortController();
    const generation = model.generate(messages, { ...rest, session, signal: answering.signal });
    for await (const piece of generation) writeOut(piece);
    const result = await generation.result;
    answering = undefined;
    writeOut("\n");
    writeError(statsText(model, result) + "\n");
    messages.push({ role: "assistant", content: result.text });
  }
  writeError("\n");
  return interrupted ? 130 : 0;
}
