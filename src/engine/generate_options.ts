/** What a model generates from, how, and what it tells meanwhile. */

import type { ChatMessage } from "../model/chat.ts";
import type { SamplingOptions } from "./sampling.ts";
import type { SchedulerEvent } from "./scheduler.ts";
import type { Session } from "./session.ts";

/** A text to continue, a conversation to answer, or token ids as they are. */
export type Prompt = string | readonly ChatMessage[] | { readonly tokens: readonly number[] };

/** What is worth telling while work goes on. */
export type GenerateEvent =
  | Extract<SchedulerEvent, { kind: "prefill" | "layered" }>
  /** A session's cache was dropped: the new conversation does not continue it. */
  | { readonly kind: "dropped"; readonly cachedTokens: number };

/** How to generate. */
export interface GenerateOptions extends SamplingOptions {
  /** Default: until the model stops, the context is full or the budget is. */
  readonly maxTokens?: number;
  /** Go on past stop tokens. */
  readonly ignoreStop?: boolean;
  /** A string prompt is continued as it is, without the chat template. */
  readonly raw?: boolean;
  /** System message for a string prompt that goes through the template. */
  readonly system?: string;
  /** Compress once after this many prompt tokens, before the rest. */
  readonly compressAfter?: number;
  /** Rows of a step at most. Default: the model's. */
  readonly chunkSize?: number;
  /** Keeps the cache between answers. */
  readonly session?: Session;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: GenerateEvent) => void;
}
