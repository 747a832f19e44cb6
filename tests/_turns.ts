/**
 * A script that takes an engine through what it does for answers: chunks of a prompt beside a sequence that
 * decodes, compression, flushes, later turns, a prompt layer by layer. Devices are compared on it.
 */

import type { Model } from "kerf";
import { keptChannelsOf } from "../src/engine/mask.ts";

const tokens = (n: number, seed: number) =>
  Array.from({ length: n }, (_, i) => 3 + (Math.imul(i + 1, 7919 + seed * 104729) >>> 7) % 290);

/** Rows of a step at most, and prompts of a turn, which come in chunks. */
export interface Lengths {
  readonly chunk: number;
  readonly turns: readonly number[];
}
export const SHORT: Lengths = { chunk: 24, turns: [50, 7, 30] };

/** What a device made of the script. */
export interface Outcome {
  /** Rows of logits in order. */
  readonly logits: Float32Array[];
  readonly kept: unknown;
}

/** Two sequences over several turns in one cache, then one prefilled layer by layer. */
export async function runTurns(
  { loaded: { engine } }: Model,
  { chunk, turns }: Lengths,
): Promise<Outcome> {
  const logits: Float32Array[] = [];
  const [a, b] = [engine.cache.openSlot(), engine.cache.openSlot()];
  const lengths = new Map([[a, 0], [b, 0]]);
  /** One step: these tokens for each sequence. */
  const step = async (rows: readonly [slot: number, tokens: readonly number[]][]) => {
    // Rows that are due become codes before a sequence decodes.
    for (const [slot, { length }] of rows) if (length === 1) await engine.flush(slot);
    logits.push(
      ...await engine.step(rows.map(([slot, tokens]) => ({
        ...{ slot, tokens, position: lengths.get(slot)!, logits: "last" as const },
      }))),
    );
    for (const [slot, { length }] of rows) lengths.set(slot, lengths.get(slot)! + length);
  };
  for (const [turn, nPrompt] of turns.entries()) {
    const prompt = tokens(nPrompt, turn);
    // The other sequence decodes beside every chunk.
    for (let at = 0; at < nPrompt; at += chunk - 1) {
      await step([[a, prompt.slice(at, at + chunk - 1)], [b, [5 + at]]]);
    }
    await engine.compress(a);
    for (let i = 0; i < 3; i++) await step([[a, [20 + i]], [b, [40 + i]]]);
    await step([[a, [77]]]);
  }
  const kept = [...await keptChannelsOf(engine, a)];
  engine.cache.closeSlot(a);
  engine.cache.closeSlot(b);
  const slot = engine.cache.openSlot();
  const prefill = engine.prefillLayered(slot, tokens(60, 9));
  let last = await prefill.next();
  while (!last.done) last = await prefill.next();
  logits.push(last.value as Float32Array);
  return { logits, kept };
}
