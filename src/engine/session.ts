/**
 * A conversation's place in the cache between answers. A prompt that extends the cached tokens goes on
 * from them; any other starts anew, and says so.
 */

import type { KvCache } from "./cache.ts";

/** A kept slot and the tokens whose rows are in it. */
export class Session {
  readonly slot: number;
  readonly #cache: KvCache;
  #tokens: readonly number[] = [];
  #open = true;

  /** @throws {KerfError} every slot is in use */
  constructor(cache: KvCache) {
    this.#cache = cache;
    this.slot = cache.openSlot();
  }

  /** Tokens cached. */
  get nCached(): number {
    return this.#tokens.length;
  }

  /**
   * Keeps the cache when `promptTokens` extend what is cached, else empties it.
   *
   * @returns how many cached tokens were dropped
   */
  fit(promptTokens: readonly number[]): number {
    const extended = promptTokens.length > this.nCached &&
      this.#tokens.every((id, i) => id === promptTokens[i]);
    return extended ? 0 : this.drop();
  }

  /** Records what is cached now. */
  keep(tokens: readonly number[]): void {
    this.#tokens = tokens;
  }

  /** Empties the slot. @returns how many cached tokens were dropped */
  drop(): number {
    const dropped = this.nCached;
    if (this.#open) this.#cache.clearSlot(this.slot);
    this.#tokens = [];
    return dropped;
  }

  /** Gives the slot back. */
  close(): void {
    if (!this.#open) return;
    this.#cache.closeSlot(this.slot);
    this.#open = false;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
