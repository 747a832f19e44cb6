/**
 * Steps of a loaded model with the times of their kernels, for `bench roofline`: of prompts one behind the other, of
 * decoding in turns with a loop that only reads, so that both have the same company on the machine.
 */

import { slotStoredBytes } from "../../engine/cache_bytes.ts";
import type { Loaded } from "../../engine/load.ts";
import type { CeilingLoop } from "./ceilings.ts";
import { tokensAt } from "./measure.ts";
import type { ReadTurn } from "./read_share.ts";
import { median } from "./spread.ts";
import type { TimedDevice, TimedStep } from "./timed_device.ts";
import { cacheShares } from "./work.ts";
import type { StepShape } from "./work.ts";

/** Where steps run. */
export interface StepPlace {
  readonly loaded: Loaded;
  /** The only one with rows. */
  readonly slot: number;
  readonly timed: TimedDevice["timed"];
  /** Told before every turn. */
  readonly onTurn: (turn: { label: string; done: number; total: number }) => void;
}

/** Times of some steps' invocations in ns, and the step in the middle of them. */
export interface MeasuredSteps {
  readonly times: readonly Float64Array[];
  readonly shape: StepShape;
}

/** Steps of a turn that do not count: so many go by until caches are again as decoding leaves them. */
const WARMING = 4;

/** Steps behind them, before the one whose kernels are timed, and reads behind that, after one that warms up. */
const COUNTED = 4;

/** Tokens that a turn decodes. */
export const TOKENS_OF_TURN = WARMING + COUNTED + 1;

const runStep = ({ loaded: { engine, config }, slot }: StepPlace, position: number, n: number) =>
  engine.step([{ slot, position, tokens: tokensAt(position, n, config.nVocab), logits: "pick" }]);

/** The shape of the step that has just run. */
const shapeOf = ({ loaded, slot }: StepPlace, header: Uint32Array): StepShape => ({
  header,
  nDepth: loaded.engine.cache.tokensOf(slot) - header[0]!,
  layerBytes: slotStoredBytes(loaded.engine.cache, slot) / loaded.config.nLayers,
  shares: cacheShares(loaded.plan, loaded.engine.cache, slot),
});

/** `n` turns, each of which ends in a timed step. */
async function measure(
  place: StepPlace,
  { n, label }: { readonly n: number; readonly label: string },
  takeTurn: () => Promise<TimedStep>,
): Promise<MeasuredSteps> {
  const times: Float64Array[] = [];
  let shape: StepShape | undefined;
  for (let i = 0; i < n; i++) {
    place.onTurn({ label, done: i, total: n });
    const step = await takeTurn();
    times.push(step.times);
    if (i === n >> 1) shape = shapeOf(place, step.header);
  }
  return { times, shape: shape! };
}

/** Steps of `nRows` tokens of a prompt, behind what the slot holds. */
export const measurePrompts = (
  place: StepPlace,
  { n, nRows }: { readonly n: number; readonly nRows: number },
): Promise<MeasuredSteps> =>
  measure(place, { n, label: `steps of ${nRows} tokens` }, () => {
    const position = place.loaded.engine.cache.tokensOf(place.slot);
    return place.timed(() => runStep(place, position, nRows));
  });

/**
 * Steps that decode, behind what the slot holds, and how fast memory was read by them and beside them.
 *
 * @param options.weightBytes of the matrices that a step reads
 */
export async function measureDecoding(
  place: StepPlace,
  { n, reading, weightBytes }: {
    readonly n: number;
    readonly reading: CeilingLoop;
    readonly weightBytes: number;
  },
): Promise<MeasuredSteps & { readonly turns: readonly ReadTurn[] }> {
  const { slot, loaded: { engine: { cache } } } = place;
  const turns: ReadTurn[] = [];
  const measured = await measure(place, { n, label: "steps of a token" }, async () => {
    const first = cache.tokensOf(slot);
    const [seconds, reads]: [number[], number[]] = [[], []];
    for (let i = 0; i < WARMING + COUNTED; i++) {
      const start = performance.now();
      await runStep(place, first + i, 1);
      seconds.push((performance.now() - start) / 1000);
    }
    const timed = await place.timed(() => runStep(place, first + WARMING + COUNTED, 1));
    for (let i = 0; i <= COUNTED; i++) reads.push(await reading.run());
    const bytes = weightBytes + slotStoredBytes(cache, slot);
    const step = bytes / median(seconds.slice(WARMING));
    turns.push({ step, read: median(reads.slice(1)) });
    return timed;
  });
  return { ...measured, turns };
}
