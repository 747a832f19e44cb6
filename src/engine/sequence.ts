/**
 * One sequence as the scheduler drives it: what is cached, what comes next, when it ends. Pure state;
 * runs nothing.
 */

import type { StreamingDecoder } from "../model/tokenizer.ts";
import type { EngineRows } from "./engine.ts";
import type { RowOutput } from "./step_outputs.ts";
import type { Sampler } from "./sampling.ts";

/** Why a sequence ended. */
export type FinishReason = "stop" | "length" | "interrupted";

/** What the cache held for a sequence when it ended, in bytes. */
export interface KvStats {
  /** The same rows uncompressed, in the cache's types. */
  readonly denseBytes: number;
  /** Occupied rows, masks included. */
  readonly storedBytes: number;
  /** Live pages. */
  readonly allocatedBytes: number;
  /** The most of them at once. */
  readonly peakBytes: number;
  /** Rows cached. */
  readonly tokens: number;
}

/** Measurements of a sequence, times in milliseconds. */
export interface SequenceStats {
  /** From the request to its first token. */
  readonly ttftMs: number;
  /** Rows prefilled: prompt tokens that were not cached. */
  readonly prefillTokens: number;
  readonly prefillMs: number;
  /** Decode steps: tokens after the first. */
  readonly decodeTokens: number;
  readonly decodeMs: number;
  readonly kv: KvStats;
}

/** State of a running sequence. */
export interface Sequence {
  readonly index: number;
  readonly slot: number;
  readonly maxTokens: number;
  readonly stopIds: ReadonlySet<number>;
  /** Whether it takes the likeliest token, which the device finds. */
  readonly isGreedy: boolean;
  /** Asked when it is not greedy. */
  readonly sampler: Sampler;
  readonly decoder: StreamingDecoder;
  /** Positions at which a prefill ends and the cache is compressed; the last is the prompt's length. */
  readonly boundaries: number[];
  readonly nPrompt: number;
  /** The prompt, then every sampled token that goes on. */
  readonly tokens: number[];
  /** Tokens generated, without the stop token. */
  readonly generated: number[];
  /** When it was asked for, and when it got its slot. */
  readonly startMs: number;
  readonly openMs: number;
  nCached: number;
  nPrefilled: number;
  nDecoded: number;
  firstTokenMs: number | null;
  finish: FinishReason | null;
}

/** Whether the prompt is not all cached yet. */
export const isPrefilling = (s: Sequence): boolean => s.nCached < s.nPrompt;

/** What the row that makes the next token has to give. */
export const lastRowOf = (s: Sequence): "pick" | "last" => s.isGreedy ? "pick" : "last";

/**
 * The sequence's rows of the next step, at most `budget` of them; a chunk never crosses a boundary.
 */
export function nextRows(s: Sequence, budget: number): EngineRows {
  const { slot, nCached } = s;
  if (!isPrefilling(s)) {
    return { slot, position: nCached, tokens: [s.tokens[nCached]!], logits: lastRowOf(s) };
  }
  const end = Math.min(s.boundaries[0]!, nCached + budget);
  const logits = end === s.nPrompt ? lastRowOf(s) : "none";
  return { slot, position: nCached, tokens: s.tokens.slice(nCached, end), logits };
}

/** Takes one token: ends the sequence or adds it. @returns the text it completes */
export function takeToken(s: Sequence, output: RowOutput): { id: number; text: string } | null {
  if (s.maxTokens === 0) {
    s.finish = "length";
    return null;
  }
  const id = typeof output === "number" ? output : s.sampler(output, s.tokens);
  if (s.stopIds.has(id)) {
    s.finish = "stop";
    return null;
  }
  s.tokens.push(id);
  s.generated.push(id);
  if (s.generated.length === s.maxTokens) s.finish = "length";
  return { id, text: s.decoder.push(id) };
}
