/**
 * Times one test of a loaded model, llama-bench's way: tokens are given, whatever the model finds likeliest
 * (which it does find, as in greedy decoding), and the depth is filled first and not timed. With pruning
 * the cache is compressed after the depth, and at the end of a prompt as `run` does it, in the time of the
 * prompt.
 */

import { slotDenseBytes, slotStoredBytes } from "../../engine/cache_bytes.ts";
import type { Loaded } from "../../engine/load.ts";

/** What is timed of a loaded model. */
export type Timed = Pick<Loaded, "engine" | "config" | "chunkSize">;

/** One test: `nPrompt` prefilled or `nGen` decoded tokens after `nDepth`, in `nParallel` sequences. */
export interface BenchTest {
  readonly nPrompt: number;
  readonly nGen: number;
  readonly nDepth: number;
  readonly nParallel: number;
}

/** One timed run. Bytes are those of all sequences at its end. */
export interface BenchSample {
  readonly ms: number;
  readonly tokensPerSecond: number;
  readonly kv: {
    readonly denseBytes: number;
    readonly storedBytes: number;
    readonly allocatedBytes: number;
    readonly peakBytes: number;
  };
}

/** Ordinary ids: the first few hundred of a large vocabulary are special or single bytes. */
const FIRST_TOKEN = 1000;

/** Token ids that depend on the position alone, so that every run does the same work. */
export function tokensAt(position: number, n: number, nVocab: number): number[] {
  const first = nVocab > FIRST_TOKEN ? FIRST_TOKEN : 0;
  const at = (i: number) => first + (Math.imul(i + 1, 2654435761) >>> 8) % (nVocab - first);
  return Array.from({ length: n }, (_, i) => at(position + i));
}

/** Prefills rows of one slot in the model's chunks. */
export async function prefill(
  model: Timed,
  slot: number,
  { first, n, logits }: { first: number; n: number; logits: boolean },
): Promise<void> {
  const { engine, chunkSize, config } = model;
  for (let at = first; at < first + n; at += chunkSize) {
    const count = Math.min(chunkSize, first + n - at);
    const isLast = logits && at + count === first + n;
    const tokens = tokensAt(at, count, config.nVocab);
    await engine.step([{ slot, position: at, tokens, logits: isLast ? "pick" : "none" }]);
  }
}

/** Waits for everything asked for so far: a device may run behind the program. */
async function settled({ engine: { device, plan } }: Timed): Promise<void> {
  await device.read(plan.buffers.activations.picks, 0, 4);
}

/** Runs a test once. */
export async function runOnce(model: Timed, test: BenchTest): Promise<BenchSample> {
  const { engine, config } = model;
  const { cache } = engine;
  const { nPrompt, nGen, nDepth, nParallel } = test;
  const slots = Array.from({ length: nParallel }, () => cache.openSlot());
  try {
    for (const slot of slots) {
      if (nDepth === 0) continue;
      await prefill(model, slot, { first: 0, n: nDepth, logits: false });
      await engine.compress(slot);
    }
    await settled(model);
    const start = performance.now();
    if (nPrompt > 0) {
      for (const slot of slots) {
        await prefill(model, slot, { first: nDepth, n: nPrompt, logits: true });
        await engine.compress(slot);
      }
    }
    for (let i = 0; i < nGen; i++) {
      const position = nDepth + i;
      const tokens = tokensAt(position, 1, config.nVocab);
      await engine.step(slots.map((slot) => ({ slot, position, tokens, logits: "pick" as const })));
    }
    await settled(model);
    const ms = performance.now() - start;
    const sum = (of: (slot: number) => number) => slots.reduce((total, s) => total + of(s), 0);
    return {
      ms,
      tokensPerSecond: 1000 * (nPrompt + nGen) * nParallel / ms,
      kv: {
        denseBytes: sum((s) => slotDenseBytes(cache, s)),
        storedBytes: sum((s) => slotStoredBytes(cache, s)),
        allocatedBytes: sum((s) => cache.table.bytesOf(s).allocated),
        peakBytes: sum((s) => cache.table.bytesOf(s).peak),
      },
    };
  } finally {
    for (const slot of slots) cache.closeSlot(slot);
  }
}

/** Tokens of {@linkcode checkModel}'s prompt: the least context a benchmark needs. */
export const CHECK_TOKENS = 20;

/**
 * Checks the model before it is timed: the last row's logits are finite and the same, bit for bit, when a
 * short prompt runs in one chunk and row by row.
 *
 * @throws {Error} they are not: the build is wrong and no figure of it means anything
 */
export async function checkModel(model: Timed): Promise<void> {
  const { engine, config } = model;
  const tokens = tokensAt(0, CHECK_TOKENS, config.nVocab);
  const run = async (chunk: number) => {
    const slot = engine.cache.openSlot();
    try {
      let last: Float32Array[] = [];
      for (let at = 0; at < tokens.length; at += chunk) {
        const rows = { slot, position: at, tokens: tokens.slice(at, at + chunk) };
        last = await engine.step([{ ...rows, logits: "last" }]);
      }
      return last[0]!;
    } finally {
      engine.cache.closeSlot(slot);
    }
  };
  const whole = await run(tokens.length);
  const single = await run(1);
  if (!whole.every((logit, i) => Number.isFinite(logit) && Object.is(logit, single[i]))) {
    throw new Error("prefill and decode disagree: nothing was timed");
  }
}
