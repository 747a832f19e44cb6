/**
 * Opens a GGUF file (version 2 or 3, little-endian) and reads its header: metadata and where each
 * tensor lies. It reads no tensor data; a device maps the file. A damaged file gets one line at once,
 * and no count in it is believed beyond what the file's size allows.
 *
 * Source: the GGUF specification (github.com/ggml-org/ggml, docs/gguf.md).
 */

import { KerfError } from "../core/error.ts";
import { FileCursor } from "./file_cursor.ts";
import { maxMetadataEntries, readMetadata } from "./gguf_metadata.ts";
import type { GgufMetadata } from "./gguf_metadata.ts";
import { maxTensors, readTensors } from "./gguf_tensors.ts";
import type { GgufTensor } from "./gguf_tensors.ts";

export type { GgufMetadata, GgufScalar, GgufValue } from "./gguf_metadata.ts";
export type { GgufTensor } from "./gguf_tensors.ts";

/** A GGUF file's header. */
export interface Gguf {
  readonly path: string;
  /** Size of the file. */
  readonly bytes: number;
  readonly version: number;
  readonly metadata: GgufMetadata;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
}

const MAGIC = 0x46554747; // "GGUF", little-endian
const DEFAULT_ALIGNMENT = 32;
/** A page of the largest kind in use; larger alignments are damage. */
const MAX_ALIGNMENT = 1 << 16;

/**
 * Reads the header of the GGUF file at `path`.
 *
 * @throws {KerfError} it cannot be opened, is no GGUF file, is damaged or incomplete, is one shard of
 * several, or stores a tensor in a type Kerf does not read
 */
export async function readGguf(path: string): Promise<Gguf> {
  using file = await open(path);
  const info = await file.stat();
  if (!info.isFile) {
    throw new KerfError(`Cannot read "${path}" as a GGUF model: it is not a file`, { hint: HINT });
  }
  const cursor = new FileCursor(file, info.size, {
    describe: `Cannot read "${path}" as a GGUF model`,
  });
  cursor.inside = "the magic number";
  const magic = cursor.u32();
  if (magic !== MAGIC) {
    const text = String.fromCharCode(...[0, 8, 16, 24].map((s) => (magic >>> s) & 255));
    cursor.fail(
      `it starts with ${JSON.stringify(text)}, not "GGUF"`,
      "pass the path of a .gguf file",
    );
  }
  const version = readVersion(cursor);
  cursor.inside = "the counts";
  const nTensors = cursor.count(maxTensors(cursor.remainingBytes), "its tensor count");
  const nEntries = cursor.count(maxMetadataEntries(cursor.remainingBytes), "its metadata count");
  const metadata = readMetadata(cursor, nEntries);
  refuseShards(cursor, metadata);
  const tensors = readTensors(cursor, { nTensors, alignment: alignmentOf(cursor, metadata) });
  return { path, bytes: info.size, version, metadata, tensors };
}

const HINT = "-m PATH of a .gguf file; without -m the default model is used";

async function open(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) {
      throw new KerfError(`Cannot open model "${path}": there is no such file`, {
        hint: HINT,
        cause,
      });
    }
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new KerfError(`Cannot open model "${path}": ${why}`, { hint: HINT, cause });
  }
}

function readVersion(cursor: FileCursor): number {
  const version = cursor.u32();
  if (version === 2 || version === 3) return version;
  const swapped = ((version & 255) << 24) | ((version & 0xff00) << 8) |
    ((version >>> 8) & 0xff00) | (version >>> 24);
  if (swapped >= 1 && swapped <= 3) {
    cursor.fail("it is big-endian", "convert it to little-endian, or download the usual file");
  }
  return cursor.fail(
    `its version is ${version}; Kerf reads 2 and 3`,
    "convert it with a current llama.cpp, or download a newer file",
  );
}

function refuseShards(cursor: FileCursor, metadata: GgufMetadata): void {
  const count = metadata.get("split.count");
  if (typeof count !== "number" || count <= 1) return;
  const number = metadata.get("split.no");
  const which = typeof number === "number" ? `shard ${number + 1}` : "one";
  cursor.fail(
    `it is ${which} of ${count} shards`,
    "join them first: llama-gguf-split --merge FIRST_SHARD.gguf WHOLE.gguf",
  );
}

function alignmentOf(cursor: FileCursor, metadata: GgufMetadata): number {
  const alignment = metadata.get("general.alignment") ?? DEFAULT_ALIGNMENT;
  const isPower = typeof alignment === "number" && alignment >= 1 &&
    alignment <= MAX_ALIGNMENT && Number.isInteger(Math.log2(alignment));
  if (!isPower) cursor.fail(`its alignment is ${alignment}, not a power of two`);
  return alignment as number;
}
