/**
 * One prefill for many specs: of the engines that measure a case, the one whose prefill leaves what most of
 * them need does it, and the others' slots are filled with a copy. Which one prefills changes no bit.
 */

import type { Engine } from "../engine/engine.ts";
import { prefillRecord, putPrefill, serves, takePrefill } from "../engine/prefill_state.ts";
import type { PrefillState } from "../engine/prefill_state.ts";

/** An engine and how many rows its steps take. */
export interface Prefiller {
  readonly engine: Engine;
  readonly chunkSize: number;
}

/** A prompt's prefill, and f32 [nVocab] of its last row. */
interface Done {
  readonly state: PrefillState;
  readonly logits: Float32Array;
}

/** A slot with a prompt in it, and f32 [nVocab] of its last row. */
export interface FilledSlot {
  readonly slot: number;
  readonly logits: Float32Array;
}

/** Opens a slot and fills it; a slot that cannot be filled is closed. */
async function filledSlot(
  { engine: { cache } }: Prefiller,
  fill: (slot: number) => Promise<Float32Array> | Float32Array,
): Promise<FilledSlot> {
  const slot = cache.openSlot();
  try {
    return { slot, logits: await fill(slot) };
  } catch (error) {
    cache.closeSlot(slot);
    throw error;
  }
}

/** Prefills an empty slot in chunks. @returns f32 [nVocab] of the last row */
async function prefill(
  { engine, chunkSize }: Prefiller,
  slot: number,
  prompt: readonly number[],
): Promise<Float32Array> {
  let last: Float32Array[] = [];
  for (let at = 0; at < prompt.length; at += chunkSize) {
    const tokens = prompt.slice(at, at + chunkSize);
    const logits = at + chunkSize >= prompt.length ? "last" : "none";
    last = await engine.step([{ slot, position: at, tokens, logits }]);
  }
  return last[0]!;
}

/** The prefills of one prompt. */
export class Prefills {
  readonly #prompt: readonly number[];
  readonly #all: readonly Prefiller[];
  readonly #done: Done[] = [];

  /** @param all every engine that will ask */
  constructor(prompt: readonly number[], all: readonly Prefiller[]) {
    this.#prompt = prompt;
    this.#all = all;
  }

  /** Prefills that were run so far. */
  get count(): number {
    return this.#done.length;
  }

  /** Opens a slot of one of the engines that holds the prompt; the caller closes it. */
  async open(own: Prefiller): Promise<FilledSlot> {
    const needs = prefillRecord(own.engine);
    let done = this.#done.find(({ state }) => serves(state.record, needs));
    if (done === undefined) {
      const one = this.#best(own);
      const filled = await filledSlot(one, (slot) => prefill(one, slot, this.#prompt));
      // Nobody else will ask: there is nothing to copy.
      if (this.#all.length === 1) return filled;
      const state = await takePrefill(one.engine, filled.slot);
      this.#done.push(done = { state, logits: filled.logits });
      if (one === own) return filled;
      one.engine.cache.closeSlot(filled.slot);
    }
    const { state, logits } = done;
    return await filledSlot(own, (slot) => {
      putPrefill(own.engine, slot, state);
      return logits;
    });
  }

  /** Of the engines whose prefill serves one, that which serves most. */
  #best(own: Prefiller): Prefiller {
    const records = this.#all.map(({ engine }) => prefillRecord(engine));
    const needs = prefillRecord(own.engine);
    const count = (i: number) => records.filter((record) => serves(records[i]!, record)).length;
    const able = records.map((_, i) => i).filter((i) => serves(records[i]!, needs));
    return this.#all[able.reduce((best, i) => count(i) > count(best) ? i : best)]!;
  }
}
