/**
 * A conversation as the text a chat model was trained on: the file's own Jinja template, rendered by
 * @huggingface/jinja. There is no built-in template to fall back to: a model without one refuses.
 */

import { Template } from "@huggingface/jinja";
import { KerfError } from "../core/error.ts";
import { optionalNumber, optionalString, texts } from "./metadata.ts";
import type { WithMetadata } from "./metadata.ts";

/** One turn of a conversation. */
export interface ChatMessage {
  readonly role: "system" | "user" | "assistant" | "tool";
  readonly content: string;
}

/** Options of {@linkcode ChatTemplate}. */
export interface RenderOptions {
  /** End where the assistant's answer begins. Default true. */
  readonly addGenerationPrompt?: boolean;
}

/** Renders a conversation. @throws {KerfError} what the template objects to */
export type ChatTemplate = (messages: readonly ChatMessage[], options?: RenderOptions) => string;

/**
 * Compiles the template of a model file.
 * @throws {KerfError} there is none, or it is no valid template
 */
export function chatTemplate(gguf: WithMetadata): ChatTemplate {
  const source = optionalString(gguf, "tokenizer.chat_template");
  if (source === undefined) {
    throw new KerfError(`Cannot chat with "${gguf.path}": it has no chat template`, {
      hint: "pass --raw to continue the text of the prompt as it is",
    });
  }
  const template = attempt(gguf, "read", () => new Template(source));
  const globals = {
    bos_token: tokenText(gguf, "bos_token_id"),
    eos_token: tokenText(gguf, "eos_token_id"),
  };
  return (messages, options = {}) =>
    attempt(gguf, "fill in", () =>
      template.render({
        ...globals,
        messages: messages.map((message) => ({ ...message })),
        add_generation_prompt: options.addGenerationPrompt ?? true,
      }));
}

function attempt<T>(gguf: WithMetadata, action: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new KerfError(`Cannot ${action} the chat template of "${gguf.path}": ${why}`, {
      hint: "change the messages, or pass --raw and write the prompt as the model wants it",
      cause,
    });
  }
}

function tokenText(gguf: WithMetadata, name: string): string {
  const id = optionalNumber(gguf, `tokenizer.ggml.${name}`);
  return id === undefined ? "" : texts(gguf, "tokenizer.ggml.tokens").at(id) ?? "";
}
