/**
 * Every weight of a Llama model: how its matrices are grouped and where they lie. Allocation and packing
 * are apart, so that a plan can be drafted and its kernels compiled before a byte of the file is read.
 */

import type { StorageName } from "../core/storage.ts";
import type { BufferSlice, Device } from "../device/types.ts";
import type { Storage } from "../dsl/storage.ts";
import type { LlamaConfig } from "../model/config.ts";
import type { GgufTensor } from "../model/gguf.ts";
import type { LlamaTensors } from "../model/llama_tensors.ts";
import type { Draft } from "./draft.ts";
import { whole } from "./draft.ts";
import type { LoadedLayer, LoadedMatrix } from "./layer_drafts.ts";
import { loadDefinition } from "./registry.ts";
import {
  alternateParts,
  groupParts,
  matrixBytes,
  normRange,
  packDrafts,
  partRange,
  wholeTensor,
} from "./weights.ts";
import type { MatrixPart, PackedMatrix, PackingOf, ReadTensor } from "./weights.ts";

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

/** Allocates every matrix and reads the norms; no matrix is packed yet. */
export async function allocateWeights(
  device: Device,
  tensors: LlamaTensors,
  options: { config: LlamaConfig; packingOf: PackingOf; path: string; readTensor: ReadTensor },
): Promise<ModelWeights> {
  const { config, packingOf, path, readTensor } = options;
  const matrices: LoadedMatrix[] = [];
  const headDim = config.qkRowOrder === "interleaved" ? config.headDim : 0;
  const plain = (tensor: GgufTensor) => wholeTensor(tensor, 0);
  const paired = (tensor: GgufTensor) => wholeTensor(tensor, headDim);
  const allocate = (packed: readonly PackedMatrix[]): LoadedMatrix[] => {
    const loaded = packed.map((matrix) => {
      const label = matrix.parts.map(({ tensor }) => tensor.name).join(" + ");
      return { ...matrix, weight: whole(device.allocate(matrixBytes(matrix), label)) };
    });
    matrices.push(...loaded);
    return loaded;
  };
  const { maxBindingBytes } = device;
  const load = (...parts: MatrixPart[]) => allocate(groupParts(parts, packingOf, maxBindingBytes));
  const pair = (first: GgufTensor, second: GgufTensor) =>
    allocate(alternateParts(plain(first), plain(second), packingOf, maxBindingBytes));
  const norm = async (tensor: GgufTensor): Promise<BufferSlice> =>
    whole(await readTensor(tensor, normRange(path, tensor)));
  const embedding = load(plain(tensors.embedding));
  const layers: LoadedLayer[] = [];
  for (const l of tensors.layers) {
    layers.push({
      attnNorm: await norm(l.attnNorm),
      qkv: load(paired(l.attnQ), paired(l.attnK), plain(l.attnV)),
      attnOutput: load(plain(l.attnOutput)),
      ffnNorm: await norm(l.ffnNorm),
      gateUp: pair(l.ffnGate, l.ffnUp),
      ffnDown: load(plain(l.ffnDown)),
    });
  }
  return {
    embedding,
    layers,
    outputNorm: await norm(tensors.outputNorm),
    head: tensors.output === tensors.embedding ? embedding : load(plain(tensors.output)),
    matrices,
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
