/**
 * Every weight of a Llama model: how its matrices are grouped and where they lie. Allocation and packing
 * are apart, so that a plan can be drafted and its kernels compiled before a byte of the file is read.
 */

import type { StorageName } from "../core/storage.ts";
import type { BufferSlice, Device, DeviceBuffer } from "../device/types.ts";
import type { Storage } from "../dsl/storage.ts";
import type { LlamaConfig } from "../model/config.ts";
import type { GgufTensor } from "../model/gguf.ts";
import type { LlamaTensors } from "../model/llama_tensors.ts";
import type { Draft } from "./draft.ts";
import { whole } from "./draft.ts";
import type { LoadedLayer, LoadedMatrix } from "./layer_drafts.ts";
import { loadDefinition } from "./registry.ts";
import { dropFilePages, groupParts, matrixBytes, normSlice, packDrafts } from "./weights.ts";
import type { MatrixPart, PackingOf } from "./weights.ts";

/** A model's weights, in device memory once packed. */
export interface ModelWeights {
  readonly embedding: LoadedMatrix;
  readonly layers: readonly LoadedLayer[];
  readonly outputNorm: BufferSlice;
  /** The embedding itself when the head is tied. */
  readonly head: LoadedMatrix;
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

/** Allocates every matrix; nothing is packed yet. */
export function allocateWeights(
  device: Device,
  tensors: LlamaTensors,
  options: { config: LlamaConfig; packingOf: PackingOf; file: DeviceBuffer },
): ModelWeights {
  const { config, packingOf, file } = options;
  const matrices: LoadedMatrix[] = [];
  const headDim = config.qkRowOrder === "interleaved" ? config.headDim : 0;
  const plain = (tensor: GgufTensor): MatrixPart => ({ tensor, headDim: 0 });
  const paired = (tensor: GgufTensor): MatrixPart => ({ tensor, headDim });
  const load = (parts: readonly MatrixPart[]): LoadedMatrix[] =>
    groupParts(parts, packingOf).map((matrix) => {
      const label = matrix.parts.map(({ tensor }) => tensor.name).join(" + ");
      const loaded = { ...matrix, weight: whole(device.allocate(matrixBytes(matrix), label)) };
      matrices.push(loaded);
      return loaded;
    });
  const one = (tensor: GgufTensor) => load([plain(tensor)])[0]!;
  const embedding = one(tensors.embedding);
  const layers = tensors.layers.map((l): LoadedLayer => ({
    attnNorm: normSlice(l.attnNorm, file),
    qkv: load([paired(l.attnQ), paired(l.attnK), plain(l.attnV)]),
    attnOutput: one(l.attnOutput),
    ffnNorm: normSlice(l.ffnNorm, file),
    gateUp: load([plain(l.ffnGate), plain(l.ffnUp)]),
    ffnDown: one(l.ffnDown),
  }));
  return {
    embedding,
    layers,
    outputNorm: normSlice(tensors.outputNorm, file),
    head: tensors.output === tensors.embedding ? embedding : one(tensors.output),
    matrices,
  };
}

/**
 * Packs every matrix, dropping the file's pages behind it.
 *
 * @param run runs drafts on the device, all to their end
 */
export async function packWeights(
  device: Device,
  { matrices }: ModelWeights,
  options: {
    file: DeviceBuffer;
    run: (drafts: readonly Draft[]) => Promise<void>;
    onProgress?: (done: number, total: number) => void;
  },
): Promise<void> {
  const { file, run, onProgress } = options;
  for (const [i, matrix] of matrices.entries()) {
    await run(packDrafts(matrix, { file, weight: matrix.weight }));
    dropFilePages(device, file, matrix);
    onProgress?.(i + 1, matrices.length);
  }
}
