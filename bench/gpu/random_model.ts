/**
 * A model of given sizes with random weights, without a file: tensors are made in the device's memory from
 * one short random piece, so that eight thousand million weights take no longer than a few copies. It
 * talks nonsense and works as hard as a trained model.
 */

import { STORAGE } from "../../src/core/storage.ts";
import type { Device, DeviceBuffer } from "../../src/device/mod.ts";
import { Engine } from "../../src/engine/engine.ts";
import { planModel } from "../../src/engine/plan_model.ts";
import type { PlanOptions } from "../../src/engine/plan_model.ts";
import { prunePlan } from "../../src/engine/prune_plan.ts";
import type { ReadTensor } from "../../src/engine/weights.ts";
import type { GgufTensor } from "../../src/model/gguf.ts";
import { llamaShapes, llamaTensors } from "../../src/model/llama_tensors.ts";
import { randomWeights, seeded } from "../../src/model/testing_weights.ts";
import type { Timed } from "../../src/cli/bench/measure.ts";
import type { BenchShape } from "./shapes.ts";

/** How a model is planned. */
export interface RandomModelOptions extends PlanOptions {
  /** A pruning spec. */
  readonly prune: string;
  readonly nCtx: number;
}

/**
 * Blocks of the random piece: about a megabyte. A prime number, so that rows begin anywhere in it and no
 * two near each other are equal.
 */
const PIECE_BLOCKS = 32749;

/**
 * Makes a model on a device; closing the device frees it.
 *
 * @throws {KerfError} the device has not enough memory
 */
export async function randomModel(
  device: Device,
  shape: BenchShape,
  { prune, nCtx, ...options }: RandomModelOptions,
): Promise<Timed> {
  const { config, name } = shape;
  const path = `random weights of ${name}'s sizes`;
  const tensors = randomTensors(shape);
  const { plan, chunkSize } = await planModel(device, {
    ...{ path, config, nCtx },
    tensors: llamaTensors({ path, bytes: 0, version: 3, metadata: new Map(), tensors }, config),
    readTensor: randomReader(device),
    prune: await prunePlan(prune, { ...config, nCtx }),
  }, options);
  return { engine: new Engine(device, plan), config, chunkSize };
}

/** The tensors of a model, lying nowhere. */
function randomTensors(shape: BenchShape): Map<string, GgufTensor> {
  const { config, storage, embeddingStorage } = shape;
  const isTable = (name: string) => /^(token_embd|output)\.weight$/.test(name);
  return new Map(
    Object.entries(llamaShapes(config)).map(([name, sizes]) => {
      const type = STORAGE[sizes.length === 1 ? "F32" : isTable(name) ? embeddingStorage : storage];
      const nValues = sizes.reduce((a, b) => a * b, 1);
      const bytes = nValues / type.blockValues * type.blockBytes;
      return [name, { name, shape: sizes, storage: type, offset: 0, bytes }];
    }),
  );
}

/** Makes ranges of tensors: a random piece of the tensor's storage type, over and over. */
function randomReader(device: Device): ReadTensor {
  const random = seeded(1);
  const pieces = new Map<string, Uint8Array>();
  return ({ name, shape, storage }, { bytes }) => {
    const isNorm = shape.length === 1;
    // Products of unit-spread rows keep unit spread, as in a trained model.
    const spread = isNorm ? 0.1 : 1 / Math.sqrt(shape[1]!);
    const key = `${storage.name} ${spread}`;
    let piece = pieces.get(key);
    if (piece === undefined) {
      const n = PIECE_BLOCKS * storage.blockValues;
      const mean = isNorm ? 1 : 0;
      piece = randomWeights(n, { storage: storage.name, spread, mean, random });
      pieces.set(key, piece);
    }
    return Promise.resolve(repeated(device, { piece, bytes, label: name }));
  };
}

/** A buffer that holds a piece over and over; bytes are multiples of 4. */
export function repeated(
  device: Device,
  { piece, bytes, label }: { piece: Uint8Array; bytes: number; label: string },
): DeviceBuffer {
  const buffer = device.allocate(bytes, label);
  device.write(buffer, piece.subarray(0, bytes));
  for (let done = piece.length; done < bytes; done *= 2) {
    device.copy(buffer, { from: 0, to: done, bytes: Math.min(done, bytes - done) });
  }
  return buffer;
}
