/** Models of several pruning specs, measured together at one depth, for `bench roofline`. */

import type { Device } from "../../device/types.ts";
import { slotStoredBytes } from "../../engine/cache_bytes.ts";
import type { Loaded } from "../../engine/load.ts";
import { matrixBytes } from "../../engine/weights.ts";
import type { ProgressDrawer } from "../terminal.ts";
import { openReading } from "./ceilings.ts";
import { prefill } from "./measure.ts";
import { measureDecoding, measurePrompts } from "./measured_steps.ts";
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

/**
 * Measures models of several specs, one at least, with a slot of `nDepth` tokens each: turns of steps that decode,
 * then each one's steps of a prompt.
 */
export async function measureSpecs(
  models: readonly Loaded[],
  { raw, timed, nDepth, repetitions, nPrompts, nPrompt, drawer }: {
    /** Reads nothing but memory. */
    readonly raw: Device;
    /** Of the models' device. */
    readonly timed: TimedDevice["timed"];
    readonly nDepth: number;
    readonly repetitions: number;
    /** Steps of a prompt, and tokens of each; 0 tokens: none. */
    readonly nPrompts: number;
    readonly nPrompt: number;
    readonly drawer: ProgressDrawer;
  },
): Promise<MeasuredSpec[]> {
  using readings = new DisposableStack();
  const places: (DecodingPlace & { readonly bytes: number })[] = [];
  for (const [i, loaded] of models.entries()) {
    drawer.draw({ label: `caches of ${nDepth} tokens`, done: i, total: models.length });
    const { engine } = loaded;
    const slot = engine.cache.openSlot();
    await prefill(loaded, slot, { first: 0, n: nDepth, logits: false });
    await engine.compress(slot);
    const weightBytes = weightBytesOf(loaded);
    const bytes = weightBytes + slotStoredBytes(engine.cache, slot);
    const reading = readings.use(await openReading(raw, bytes));
    places.push({ loaded, slot, timed, reading, weightBytes, bytes });
  }
  const turns = await measureDecoding(places, {
    n: repetitions,
    onTurn: (done) => drawer.draw({ label: "steps of a token", done, total: repetitions }),
  });
  const measured: MeasuredSpec[] = [];
  for (const [i, { loaded, slot, bytes }] of places.entries()) {
    let prompts: MeasuredSteps | undefined;
    if (nPrompt > 0) {
      drawer.draw({ label: `steps of ${nPrompt} tokens`, done: i, total: places.length });
      prompts = await measurePrompts(places[i]!, { n: nPrompts, nRows: nPrompt });
    }
    measured.push({ loaded, nDepth, bytes, turns: turns[i]!, prompts });
    loaded.engine.cache.closeSlot(slot);
  }
  return measured;
}
