/**
 * One prompt in a compressed cache: what a protocol may do with it. Tokens are fed (teacher-forced) or
 * generated greedily; the first ones one at a time and timed, the others as many at once as nothing of the
 * cache changes between, which gives the same bits.
 */

import { slotDenseBytes, slotStoredBytes } from "../engine/cache_bytes.ts";
import type { Engine } from "../engine/engine.ts";
import { likeliest } from "./distribution.ts";
import { quantile } from "./statistics.ts";

/** Rows decoded alone to time them: enough for a median that one slow step does not move. */
const TIMED_ROWS = 16;

/** Bytes of a cache at the end of its prompt. */
export interface CacheBytes {
  /** Occupied rows, masks and positions included. */
  readonly storedBytes: number;
  /** The same rows uncompressed. */
  readonly denseBytes: number;
}

/** A prompt in a slot, prefilled and compressed. */
export class CompressedRun {
  /** f32 [nVocab]: what follows the prompt, from the full cache. */
  readonly promptLogits: Float32Array;
  /** Tokens of the prompt. */
  readonly nPrompt: number;
  readonly bytes: CacheBytes;
  readonly #engine: Engine;
  readonly #slot: number;
  readonly #timedRows: number;
  readonly #stepMs: number[] = [];
  #nDecoded = 0;

  /**
   * @param slot holds the prompt and has been compressed
   * @param options.timedRows first rows that are decoded alone, to time them
   */
  constructor(
    engine: Engine,
    slot: number,
    promptLogits: Float32Array,
    { timedRows = TIMED_ROWS }: { readonly timedRows?: number } = {},
  ) {
    this.#engine = engine;
    this.#slot = slot;
    this.#timedRows = timedRows;
    this.promptLogits = promptLogits;
    this.nPrompt = engine.cache.tokensOf(slot);
    this.bytes = {
      storedBytes: slotStoredBytes(engine.cache, slot),
      denseBytes: slotDenseBytes(engine.cache, slot),
    };
  }

  /** Tokens per second, one at a time; null: none was decoded. */
  get decodeTokensPerSecond(): number | null {
    return this.#stepMs.length === 0 ? null : 1000 / quantile(this.#stepMs, 0.5);
  }

  /**
   * Feeds tokens behind what is cached.
   *
   * @returns f32 [nVocab] for each: what follows it
   */
  async *force(tokens: readonly number[]): AsyncGenerator<Float32Array, void> {
    const { nLogits } = this.#engine.plan.inputs.limits;
    for (let at = 0; at < tokens.length;) {
      const isTimed = this.#stepMs.length < this.#timedRows;
      const startMs = performance.now();
      await this.#engine.flush(this.#slot);
      const due = this.#engine.rowsUntilDue(this.#slot, this.#nDecoded);
      const n = isTimed ? 1 : Math.min(tokens.length - at, nLogits, due);
      const rows = { slot: this.#slot, position: this.nPrompt + this.#nDecoded } as const;
      const logits = await this.#engine.step([
        { ...rows, tokens: tokens.slice(at, at + n), logits: "all" },
      ]);
      this.#nDecoded += n;
      await this.#engine.evictDecoded(this.#slot, this.#nDecoded);
      if (isTimed) this.#stepMs.push(performance.now() - startMs);
      yield* logits;
      at += n;
    }
  }

  /**
   * Generates greedily from logits.
   *
   * @param from f32 [nVocab]: what follows what is cached
   * @returns at most `n` tokens, ending before one of `stopIds`
   */
  async greedy(
    from: Float32Array,
    n: number,
    stopIds: ReadonlySet<number> = new Set(),
  ): Promise<number[]> {
    const tokens: number[] = [];
    let logits = from;
    for (;;) {
      const id = likeliest(logits);
      if (stopIds.has(id)) return tokens;
      tokens.push(id);
      if (tokens.length >= n) return tokens;
      for await (const row of this.force([id])) logits = row;
    }
  }
}
