/**
 * A model's packed weights as a file in the cache, read at the next start: nothing is packed twice. Its name holds
 * the hash of everything its bytes follow from, so a stale one is never read; one that is not whole is never named
 * so.
 */

import { basename, dirname, join } from "@std/path";
import { artifactKey } from "../build/mod.ts";
import { PACKINGS } from "../core/packing.ts";
import { sha256 } from "../core/hash.ts";
import type { BufferSlice, Device } from "../device/types.ts";
import { contentHash } from "../model/content_hash.ts";
import { cacheDir } from "../sys/cache_dir.ts";
import { kernelTexts } from "./kernel_texts.ts";
import { packKernel } from "./weights.ts";
import type { PackedMatrix } from "./weights.ts";
import { matrixPlaces } from "./weights_memory.ts";
import type { MatrixPlace } from "./weights_memory.ts";

/** Where a model's packed weights are or would be. */
export interface WeightsFile {
  readonly path: string;
  readonly bytes: number;
  /** Each matrix's place, in the order of packing. */
  readonly places: readonly MatrixPlace[];
}

/** Packing less takes a few milliseconds. */
const LEAST_BYTES = 1 << 24;

/** A file that no start has opened for this long goes when another is written. */
const UNUSED_MS = 30 * 86_400_000;

/** A file's time tells when it was used last, to the day: not every start writes. */
const TOUCH_MS = 86_400_000;

const keptIn = () => join(cacheDir(), "weights");

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
  { device, dir = keptIn(), least = LEAST_BYTES }: WeightsFileOptions,
): Promise<WeightsFile | null> {
  const { places, bytes } = matrixPlaces(matrices);
  if (bytes < least) return null;
  const storages = matrices.flatMap(({ parts }) => parts.map((p) => p.tensor.storage.name));
  const texts = await kernelTexts([...new Set(storages)].sort().map(packKernel), device);
  const key = await artifactKey([
    await contentHash(model, join(dir, `${await sha256(model)}.json`)),
    device.target,
    JSON.stringify(
      matrices.map(({ packing, parts, alternates, nOut, nIn }) => (
        { packing: PACKINGS[packing], parts, alternates, nOut, nIn }
      )),
    ),
    JSON.stringify(places),
    ...texts.map(({ text }) => text),
  ]);
  const path = join(dir, `${basename(model, ".gguf")}-${key}.weights`);
  return { path, bytes, places };
}

/** Whether a file is there to be read. */
export async function hasWeightsFile({ path, bytes }: WeightsFile): Promise<boolean> {
  const info = await Deno.stat(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  });
  // Another length is damage from outside: it is written anew.
  if (info?.size !== bytes) return false;
  const now = new Date();
  if (now.getTime() - (info.mtime?.getTime() ?? 0) > TOUCH_MS) {
    // Where the cache cannot be written nothing is swept either.
    await Deno.utime(path, now, now).catch(() => {});
  }
  return true;
}

/** Reads a file into its matrices, in the order of packing; `Device.readInto` says what must not happen meanwhile. */
export async function readWeightsFile(
  device: Device,
  { path, bytes, places }: WeightsFile,
  matrices: readonly BufferSlice[],
): Promise<void> {
  const first = matrices[0]!.buffer;
  if (matrices.every(({ buffer }) => buffer === first)) {
    return await device.readInto(first, { path, offset: 0, bytes });
  }
  await Promise.all(
    matrices.map(({ buffer, offset }, i) =>
      device.readInto(buffer, { path, ...places[i]! }, offset)
    ),
  );
}

/**
 * Makes something while weights are read, and ends when both have, whatever fails: memory must not go while a file is
 * read into it.
 */
export async function whileFilled<T>(filled: Promise<void>, make: () => Promise<T>): Promise<T> {
  const made = make();
  await Promise.allSettled([filled, made]);
  const result = await made;
  await filled;
  return result;
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
  using out = await Deno.open(part, { write: true, createNew: true });
  try {
    for (const [i, { buffer, offset: from = 0 }] of matrices.entries()) {
      const { offset, bytes } = file.places[i]!;
      await out.seek(offset, Deno.SeekMode.Start);
      const packed = await device.read(buffer, from, bytes);
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

/**
 * Uses the cache of packed weights. What the system refuses is said and no more: weights are packed in memory all the
 * same, and only the next start's time is lost.
 *
 * @returns null: it was refused
 */
export async function orUnkept<T>(
  use: () => Promise<T>,
  say: (text: string) => void,
): Promise<T | null> {
  try {
    return await use();
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    say(
      `packed weights are not kept in "${keptIn()}", so the next start packs them again: ` +
        `${error.message}\nhint: free space, or choose a folder you can write to: KERF_CACHE=DIR`,
    );
    return null;
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
