/** A list of the channels of a head's keys, as an engine's cache has it. */

import type { HeadAt } from "../src/engine/cache_shape.ts";
import type { Engine } from "../src/engine/engine.ts";

/** A list of channels in two classes. */
export interface EngineKeyList {
  /** Stored channels, the first of `channels`, and how many of them are of the high class. */
  readonly width: number;
  readonly high: number;
  /** Every channel: those of each class ascending, then those without bits. */
  readonly channels: readonly number[];
  /** In their order what those without bits read as; 0 of the others. */
  readonly fills: readonly number[];
}

/** The list of a head's `list`-th coded segment of keys. */
export async function keyListOf(
  { cache, device }: Engine,
  at: HeadAt,
  list: number,
): Promise<EngineKeyList> {
  const { headDim } = cache.shape;
  const { width, high } = cache.sizeOf(at, list);
  const head = at.slot * cache.nHeadsPerSlot + at.head;
  const start = 4 * (head * cache.nKeyLists + list) * headDim;
  const read = async (buffer: NonNullable<typeof cache.fills>) =>
    (await device.read(buffer, start, 4 * headDim)).slice().buffer;
  return {
    ...{ width, high: high! },
    channels: [...new Uint32Array(await read(cache.lists.key!))],
    fills: [...new Float32Array(await read(cache.fills!))],
  };
}

/** The lists of all coded segments of a head's keys. */
export const keyListsOf = (engine: Engine, at: HeadAt): Promise<EngineKeyList[]> =>
  Promise.all(
    Array.from({ length: engine.cache.nKeyLists }, (_, list) => keyListOf(engine, at, list)),
  );
