/**
 * Steps of loaded models with the times of their kernels, for `bench roofline`: of a prompt, of decoding in turns with the other models' and with a loop that only reads, so that all have the same company on
 * the machine.
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
  /** The model's only one with rows. */
  readonly slot: number;
  readonly timed: TimedDevice["timed"];
}

/** Where steps decode. */
export interface DecodingPlace extends StepPlace {
  /** Of a buffer as large as what a step reads. */
  readonly reading: CeilingLoop;
  /** Of the matrices that a step reads. */
  readonly weightBytes: number;
}

/** Times of some steps' invocations in ns, and the last of these steps. */
export interface MeasuredSteps {
  readonly times: readonly Float64Array[];
  readonly shape: StepShape;
}

/** A turn of decoding. */
export interface DecodedTurn extends MeasuredSteps {
  /** How fast memory was read by the steps that nothing timed, and beside them. */
  readonly read: ReadTurn;
}

/** Steps of a turn that do not count: so many go by until caches are again as decoding leaves them. */
const WARMING = 4;

/** Steps behind them, before those whose kernels are timed, and reads behind these, after one that warms up. */
const COUNTED = 4;

/** Steps whose kernels are timed: an invocation's median bears that company meets some of them. */
const TIMED = 8;

/** Tokens that a turn decodes. */
export const TOKENS_OF_TURN = WARMING + COUNTED + TIMED;

function runStep({ loaded: { engine, config }, slot }: StepPlace, n: number) {
  const position = engine.cache.tokensOf(slot);
  const tokens = tokensAt(position, n, config.nVocab);
  return engine.step([{ slot, position, tokens, logits: "pick" }]);
}

/** The shape of the step that has just run. */
const shapeOf = ({ loaded, slot }: StepPlace, header: Uint32Array): StepShape => ({
  header,
  nDepth: loaded.engine.cache.tokensOf(slot) - header[0]!,
  layerBytes: slotStoredBytes(loaded.engine.cache, slot) / loaded.config.nLayers,
  shares: cacheShares(loaded.plan, loaded.engine.cache, slot),
});

/** A step of `nRows` tokens of a prompt, behind what the slot holds. */
export async function timePrompt(
  place: StepPlace,
  nRows: number,
): Promise<{ readonly times: Float64Array; readonly shape: StepShape }> {
  const { header, times } = await place.timed(() => runStep(place, nRows));
  return { times, shape: shapeOf(place, header) };
}

/** A turn of all places, which take steps in turns, and at its end read. */
async function decodeTurn(places: readonly DecodingPlace[]): Promise<DecodedTurn[]> {
  const seconds: number[][] = places.map(() => []);
  for (let i = 0; i < WARMING + COUNTED; i++) {
    for (const [p, place] of places.entries()) {
      const start = performance.now();
      await runStep(place, 1);
      seconds[p]!.push((performance.now() - start) / 1000);
    }
  }
  const steps: TimedStep[][] = places.map(() => []);
  for (let i = 0; i < TIMED; i++) {
    for (const [p, place] of places.entries()) {
      steps[p]!.push(await place.timed(() => runStep(place, 1)));
    }
  }
  const turns: DecodedTurn[] = [];
  for (const [p, place] of places.entries()) {
    const reads: number[] = [];
    for (let i = 0; i <= COUNTED; i++) reads.push(await place.reading.run());
    const shape = shapeOf(place, steps[p]!.at(-1)!.header);
    const bytes = place.weightBytes + shape.layerBytes * place.loaded.config.nLayers;
    const step = bytes / median(seconds[p]!.slice(WARMING));
    const times = steps[p]!.map((timed) => timed.times);
    turns.push({ times, shape, read: { step, read: median(reads.slice(1)) } });
  }
  return turns;
}

/**
 * Turns in which all models decode, step by step in turns, so that company on the machine meets all alike; every
 * second one goes from the last model to the first, so that nobody always follows the same one.
 *
 * @param options.onTurn told before every turn
 * @returns the turns of each place
 */
export async function measureDecoding(
  places: readonly DecodingPlace[],
  { n, onTurn }: { readonly n: number; readonly onTurn: (done: number) => void },
): Promise<DecodedTurn[][]> {
  const turns: DecodedTurn[][] = places.map(() => []);
  for (let i = 0; i < n; i++) {
    onTurn(i);
    const isForward = i % 2 === 0;
    const taken = await decodeTurn(isForward ? places : places.toReversed());
    for (const [p, turn] of (isForward ? taken : taken.toReversed()).entries()) {
      turns[p]!.push(turn);
    }
  }
  return turns;
}

/** The steps of all turns, as long as in the middle of them. */
export const stepsOf = (turns: readonly DecodedTurn[]): MeasuredSteps => ({
  times: turns.flatMap(({ times }) => times),
  shape: turns[turns.length >> 1]!.shape,
});
