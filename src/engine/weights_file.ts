/**
 * A model's packed weights as a file in the cache, mapped at the next start: nothing is packed twice, and
 * processes share its pages. Its name holds the hash of everything its bytes follow from, so a stale one is
 * never opened; one that is not whole is never named so.
 */

import { basename, dirname, join } from "@std/path";
import { artifactKey } from "../build/mod.ts";
import { PACKINGS } from "../core/packing.ts";
import { sha256 } from "../core/hash.ts";
import type { BufferSlice, Device, FileRange } from "../device/types.ts";
import { contentHash } from "../model/content_hash.ts";
import { cacheDir } from "../sys/cache_dir.ts";
import { kernelTexts } from "./kernel_texts.ts";
import { matrixBytes, packKernel } from "./weights.ts";
import type { PackedMatrix } from "./weights.ts";

/** Where a model's packed weights are or would be. */
export interface WeightsFile {
  readonly path: string;
  readonly bytes: number;
  /** Each matrix's place, in the order of packing. */
  readonly ranges: readonly FileRange[];
}

/** Matrices begin at multiples of this, the largest common page: a mapping begins with its matrix. */
const ALIGNMENT = 1 << 14;

/** Packing less takes a few milliseconds. */
const LEAST_BYTES = 1 << 24;

/** A file that no start has opened for this long goes when another is written. */
const UNUSED_MS = 30 * 86_400_000;

/** A file's time tells when it was used last, to the day: not every start writes. */
const TOUCH_MS = 86_400_000;

/** Where a model's packed weights may be kept. */
export interface WeightsFileOptions {
  readonly device: Device;
  /** The folder. Default: the cache's. */
  readonly dir?: string;
  /** Bytes that are worth a file. */
  readonly least?: number;
}

/**
 * Names the file of a model's packed weights.
 *
 * @returns null: they are not worth one
 */
export async function weightsFile(
  model: string,
  matrices: readonly PackedMatrix[],
  { device, dir = join(cacheDir(), "weights"), least = LEAST_BYTES }: WeightsFileOptions,
): Promise<WeightsFile | null> {
  let bytes = 0;
  const places = matrices.map((matrix) => {
    const offset = Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    bytes = offset + matrixBytes(matrix);
    return { offset, bytes: matrixBytes(matrix) };
  });
  if (bytes < least) return null;
  const storages = matrices.flatMap(({ parts }) => parts.map((p) => p.tensor.storage.name));
  const texts = await kernelTexts([...new Set(storages)].sort().map(packKernel), device);
  const key = await artifactKey([
    await contentHash(model, join(dir, `${await sha256(model)}.json`)),
    device.target,
    JSON.stringify(
      matrices.map(({ packing, ...rest }) => ({ packing: PACKINGS[packing], ...rest })),
    ),
    JSON.stringify(places),
    ...texts.map(({ text }) => text),
  ]);
  const path = join(dir, `${basename(model, ".gguf")}-${key}.weights`);
  return { path, bytes, ranges: places.map((place) => ({ path, ...place })) };
}

/** The matrices of a file, read-only and mapped where the device can; null: it is not there yet. */
export async function openWeightsFile(
  device: Device,
  { path, bytes, ranges }: WeightsFile,
): Promise<BufferSlice[] | null> {
  const info = await Deno.stat(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  });
  // Another length is damage from outside: it is written anew.
  if (info?.size !== bytes) return null;
  const now = new Date();
  if (now.getTime() - (info.mtime?.getTime() ?? 0) > TOUCH_MS) await Deno.utime(path, now, now);
  return await Promise.all(
    ranges.map(async (range, i) => ({ buffer: await device.readFile(range, `weights ${i}`) })),
  );
}

/** Writes packed matrices, in the order of packing, and sweeps files that nobody uses. */
export async function saveWeightsFile(
  device: Device,
  file: WeightsFile,
  matrices: readonly BufferSlice[],
): Promise<void> {
  const dir = dirname(file.path);
  await Deno.mkdir(dir, { recursive: true });
  await sweep(dir);
  const part = join(dir, `${crypto.randomUUID()}.part`);
  try {
    using out = await Deno.open(part, { write: true, createNew: true });
    for (const [i, { buffer }] of matrices.entries()) {
      const { offset, bytes } = file.ranges[i]!;
      await out.seek(offset, Deno.SeekMode.Start);
      const packed = await device.read(buffer, 0, bytes);
      for (let at = 0; at < bytes;) at += await out.write(packed.subarray(at));
    }
    // A name must not reach the disk before what it names.
    await out.sync();
    await Deno.rename(part, file.path);
  } catch (error) {
    await Deno.remove(part);
    throw error;
  }
}

async function sweep(dir: string): Promise<void> {
  for await (const { name } of Deno.readDir(dir)) {
    const path = join(dir, name);
    try {
      const { mtime } = await Deno.stat(path);
      if (mtime && Date.now() - mtime.getTime() > UNUSED_MS) await Deno.remove(path);
    } catch (error) {
      // Another process swept it, or renamed it.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}
