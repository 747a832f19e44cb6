/** Models of several pruning specs, measured together at one depth, for `bench roofline`. */

import type { Device } from "../../device/types.ts";
import { slotStoredBytes } from "../../engine/cache_bytes.ts";
import type { Loaded } from "../../engine/load.ts";
import { matrixBytes } from "../../engine/weights.ts";
import type { ProgressDrawer } from "../terminal.ts";
import { openReading } from "./ceilings.ts";
import { prefill } from "./measure.ts";
import { measureDecoding, timePrompt } from "./measured_steps.ts";
import type { DecodedTurn, DecodingPlace, MeasuredSteps } from "./measured_steps.ts";
import type { TimedDevice } from "./timed_device.ts";

/** One spec at one depth, as it was measured. */
export interface MeasuredSpec {
  readonly loaded: Loaded;
  readonly nDepth: number;
  /** What a step that decodes reads: weights and cache. */
  readonly bytes: number;
  readonly turns: readonly DecodedTurn[];
  readonly prompts: MeasuredSteps | undefined;
}

/** Bytes of the matrices that a step reads: of a table that is no head it reads one row. */
function weightBytesOf({ plan }: Loaded): number {
  const { matrices, embedding, head } = plan.inputs.weights;
  return matrices.filter((m) => !embedding.includes(m) || head.includes(m))
    .reduce((sum, m) => sum + matrixBytes(m), 0);
}

/** A slot of `nDepth` tokens, compressed. */
async function openAt(loaded: Loaded, nDepth: number): Promise<number> {
  const slot = loaded.engine.cache.openSlot();
  await prefill(loaded, slot, { first: 0, n: nDepth, logits: false });
  await loaded.engine.compress(slot);
  return slot;
}

/** `n` steps of a prompt, one at least, each in a slot of its own so that all see the same rows. */
async function measurePrompts(
  loaded: Loaded,
  { timed, nDepth, n, nRows }: {
    readonly timed: TimedDevice["timed"];
    readonly nDepth: number;
    readonly n: number;
    readonly nRows: number;
  },
): Promise<MeasuredSteps> {
  const times: Float64Array[] = [];
  for (;;) {
    const slot = await openAt(loaded, nDepth);
    const step = await timePrompt({ loaded, slot, timed }, nRows);
    loaded.engine.cache.closeSlot(slot);
    if (times.push(step.times) === n) return { times, shape: step.shape };
  }
}

/** Steps of a prompt that are timed. */
const N_PROMPTS = 3;

/**
 * Measures models of several specs, one at least, behind `nDepth` tokens: each one's steps of a prompt, then turns
 * of steps that decode.
 */
export async function measureSpecs(
  models: readonly Loaded[],
  { raw, timed, nDepth, repetitions, nPrompt, drawer }: {
    /** Reads nothing but memory. */
    readonly raw: Device;
    /** Of the models' device. */
    readonly timed: TimedDevice["timed"];
    readonly nDepth: number;
    readonly repetitions: number;
    /** Tokens of a prompt's step; 0: none is measured. */
    readonly nPrompt: number;
    readonly drawer: ProgressDrawer;
  },
): Promise<MeasuredSpec[]> {
  const prompts: (MeasuredSteps | undefined)[] = [];
  for (const [i, loaded] of models.entries()) {
    drawer.draw({ label: `steps of ${nPrompt} tokens`, done: i, total: models.length });
    const more = { timed, nDepth, n: N_PROMPTS, nRows: nPrompt };
    prompts.push(nPrompt > 0 ? await measurePrompts(loaded, more) : undefined);
  }
  using readings = new DisposableStack();
  const places: (DecodingPlace & { readonly bytes: number })[] = [];
  for (const [i, loaded] of models.entries()) {
    drawer.draw({ label: `caches of ${nDepth} tokens`, done: i, total: models.length });
    const slot = await openAt(loaded, nDepth);
    const weightBytes = weightBytesOf(loaded);
    const bytes = weightBytes + slotStoredBytes(loaded.engine.cache, slot);
    const reading = readings.use(await openReading(raw, bytes));
    places.push({ loaded, slot, timed, reading, weightBytes, bytes });
  }
  const turns = await measureDecoding(places, {
    n: repetitions,
    onTurn: (done) => drawer.draw({ label: "steps of a token", done, total: repetitions }),
  });
  return places.map(({ loaded, slot, bytes }, i) => {
    loaded.engine.cache.closeSlot(slot);
    return { loaded, nDepth, bytes, turns: turns[i]!, prompts: prompts[i] };
  });
}
