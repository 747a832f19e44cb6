/**
 * One answer being generated: an async iterable of text pieces, and the whole result at its end. Work is
 * done as pieces are asked for; `result` asks for the rest. Pieces never break a character.
 */

import process from "node:process";
import type { FinishReason, SequenceStats } from "./sequence.ts";

/** A whole answer. */
export interface GenerateResult {
  readonly promptTokens: readonly number[];
  /** Generated tokens, without the one that stopped. */
  readonly tokens: readonly number[];
  readonly text: string;
  readonly finishReason: FinishReason;
  readonly stats: SequenceStats & {
    /** The most memory the process has held. */
    readonly peakRssBytes: number;
  };
}

/** The most memory this process has held, in bytes; the system counts KiB. */
export const peakRssBytes = (): number => process.resourceUsage().maxRSS * 1024;

/**
 * An answer: iterate over its pieces, then read `result`; or read `result` alone.
 *
 * A loop that is left early ends the work, and the result is then never there.
 */
export class Generation implements AsyncIterable<string> {
  readonly #pieces: AsyncGenerator<string, GenerateResult>;
  #isStarted = false;
  readonly #settled = Promise.withResolvers<GenerateResult>();

  constructor(pieces: AsyncGenerator<string, GenerateResult>) {
    this.#pieces = pieces;
    // A failure reaches whoever iterates or awaits; it must not count as unhandled besides.
    this.#settled.promise.catch(() => {});
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string, void> {
    if (this.#isStarted) throw new TypeError("Cannot read an answer's pieces twice");
    this.#isStarted = true;
    let ended = false;
    try {
      for (;;) {
        const next = await this.#pieces.next();
        if (next.done) {
          ended = true;
          if (next.value) this.#settled.resolve(next.value);
          return;
        }
        yield next.value;
      }
    } catch (error) {
      ended = true;
      this.#settled.reject(error);
      throw error;
    } finally {
      if (!ended) {
        await this.#pieces.return(undefined as never);
        this.#settled.reject(new DOMException("the answer was left before its end", "AbortError"));
      }
    }
  }

  /** The whole answer. When nobody reads the pieces, reading this does the work. */
  get result(): Promise<GenerateResult> {
    if (!this.#isStarted) void this.#drain();
    return this.#settled.promise;
  }

  async #drain(): Promise<void> {
    try {
      for await (const _ of this) { /* the pieces are in the result's text */ }
    } catch {
      // The result's promise carries it.
    }
  }
}
