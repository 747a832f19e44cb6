/**
 * Every weight of a Llama model: how its matrices are grouped and where they lie. Places and packing are
 * apart, so that a plan can be drafted and its kernels compiled before a byte of the file is read, or packed
 * weights come from a file.
 */

import type { StorageName } from "../core/storage.ts";
import type { BufferSlice, Device } from "../device/types.ts";
import type { Storage } from "../dsl/storage.ts";
import type { LlamaConfig } from "../model/config.ts";
import type { GgufTensor } from "../model/gguf.ts";
import type { LlamaTensors } from "../model/llama_tensors.ts";
import type { Draft } from "./draft.ts";
import { whole } from "./draft.ts";
import type { LoadedLayer, LoadedMatrix } from "./draft_context.ts";
import { loadDefinition } from "./registry.ts";
import {
  alternateParts,
  groupParts,
  normRange,
  packDrafts,
  partRange,
  wholeTensor,
} from "./weights.ts";
import type { MatrixPart, PackedMatrix, PackingOf, ReadTensor } from "./weights.ts";
import { allocateMatrices } from "./weights_memory.ts";

/** A model's weights, in device memory once packed. */
export interface ModelWeights {
  readonly embedding: readonly LoadedMatrix[];
  readonly layers: readonly LoadedLayer[];
  readonly outputNorm: BufferSlice;
  /** The embedding itself when the head is tied. */
  readonly head: readonly LoadedMatrix[];
  /** Every matrix once, in the order of packing. */
  readonly matrices: readonly LoadedMatrix[];
}

/** The packed order of every storage type in a model, as kernels/storage/ declares them. */
export async function packingsOf(storages: Iterable<StorageName>): Promise<PackingOf> {
  const packings = new Map(
    await Promise.all([...new Set(storages)].map(async (name) => {
      const definition = await loadDefinition<Storage>("storage", name.toLowerCase());
      return [name, definition.packing] as const;
    })),
  );
  return (storage) => packings.get(storage)!;
}

/** Every tensor of a model that becomes a packed matrix. */
export function matrixTensors({ embedding, output, layers }: LlamaTensors): GgufTensor[] {
  const ofLayers = layers.flatMap((l) => [
    ...[l.attnQ, l.attnK, l.attnV, l.attnOutput],
    ...[l.ffnGate, l.ffnUp, l.ffnDown],
  ]);
  return [...new Set([embedding, ...ofLayers, output])];
}

/** Groups and places every matrix and reads the norms; nothing is packed here. */
export async function placeWeights(
  device: Device,
  tensors: LlamaTensors,
  options: {
    config: LlamaConfig;
    packingOf: PackingOf;
    path: string;
    readTensor: ReadTensor;
  },
): Promise<ModelWeights> {
  const { config, packingOf, path, readTensor } = options;
  const matrices: PackedMatrix[] = [];
  const headDim = config.qkRowOrder === "interleaved" ? config.headDim : 0;
  const plain = (tensor: GgufTensor) => wholeTensor(tensor, 0);
  const paired = (tensor: GgufTensor) => wholeTensor(tensor, headDim);
  const noted = (grouped: readonly PackedMatrix[]) => {
    matrices.push(...grouped);
    return grouped;
  };
  const { maxBindingBytes } = device;
  const group = (...parts: MatrixPart[]) => noted(groupParts(parts, packingOf, maxBindingBytes));
  const pair = (first: GgufTensor, second: GgufTensor) =>
    noted(alternateParts(plain(first), plain(second), packingOf, maxBindingBytes));
  const norm = async (tensor: GgufTensor): Promise<BufferSlice> =>
    whole(await readTensor(tensor, normRange(path, tensor)));
  const embedding = group(plain(tensors.embedding));
  const layers = tensors.layers.map((l) => ({
    qkv: group(paired(l.attnQ), paired(l.attnK), plain(l.attnV)),
    attnOutput: group(plain(l.attnOutput)),
    gateUp: pair(l.ffnGate, l.ffnUp),
    ffnDown: group(plain(l.ffnDown)),
  }));
  const isTied = tensors.output === tensors.embedding;
  const head = isTied ? embedding : group(plain(tensors.output));
  const weights = allocateMatrices(device, matrices);
  const loaded = new Map<PackedMatrix, LoadedMatrix>(
    matrices.map((matrix, i) => [matrix, { ...matrix, weight: weights[i]! }]),
  );
  const load = (grouped: readonly PackedMatrix[]) => grouped.map((matrix) => loaded.get(matrix)!);
  return {
    embedding: load(embedding),
    layers: await Promise.all(layers.map(async (layer, i): Promise<LoadedLayer> => ({
      attnNorm: await norm(tensors.layers[i]!.attnNorm),
      qkv: load(layer.qkv),
      attnOutput: load(layer.attnOutput),
      ffnNorm: await norm(tensors.layers[i]!.ffnNorm),
      gateUp: load(layer.gateUp),
      ffnDown: load(layer.ffnDown),
    }))),
    outputNorm: await norm(tensors.outputNorm),
    head: load(head),
    matrices: [...loaded.values()],
  };
}

/**
 * Packs every matrix. Its tensors are held as they are in the file only meanwhile, so the file never lies
 * in memory twice.
 *
 * @param run runs drafts on the device
 */
export async function packWeights(
  device: Device,
  { matrices }: ModelWeights,
  options: {
    path: string;
    readTensor: ReadTensor;
    run: (drafts: readonly Draft[]) => Promise<unknown>;
    onProgress?: (done: number, total: number) => void;
  },
): Promise<void> {
  const { path, readTensor, run, onProgress } = options;
  for (const [i, matrix] of matrices.entries()) {
    const sources = [];
    for (const part of matrix.parts) {
      sources.push(whole(await readTensor(part.tensor, partRange(path, part))));
    }
    await run(packDrafts(matrix, { sources, weight: matrix.weight }));
    for (const { buffer } of sources) device.free(buffer);
    onProgress?.(i + 1, matrices.length);
  }
}
