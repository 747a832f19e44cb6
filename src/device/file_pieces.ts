/** Ranges of files, read in pieces: the GPU has its own memory, so a file is never whole in the host's. */

import { KerfError } from "../core/error.ts";
import type { FileRange } from "./types.ts";

/** Bytes that are read at a time. */
const PIECE_BYTES = 4 << 20;

/**
 * The pieces of a range in order, each with its offset in the range; the last is padded with zeros to a
 * multiple of 4. A piece is valid until the next is asked for.
 *
 * @throws {KerfError} the file cannot be read, or ends too early
 */
export async function* filePieces(
  { path, offset, bytes }: FileRange,
): AsyncGenerator<{ readonly at: number; readonly data: Uint8Array<ArrayBuffer> }> {
  using file = await openAt(path, offset);
  const piece = new Uint8Array(Math.min(PIECE_BYTES, Math.ceil(bytes / 4) * 4));
  for (let at = 0; at < bytes; at += piece.length) {
    const wanted = Math.min(piece.length, bytes - at);
    await fill(file, piece.subarray(0, wanted), path);
    piece.fill(0, wanted);
    yield { at, data: piece.subarray(0, Math.ceil(wanted / 4) * 4) };
  }
}

async function openAt(path: string, offset: number): Promise<Deno.FsFile> {
  try {
    const file = await Deno.open(path);
    await file.seek(offset, Deno.SeekMode.Start);
    return file;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new KerfError(`Cannot read "${path}": ${reason}`, { cause });
  }
}

async function fill(file: Deno.FsFile, into: Uint8Array, path: string): Promise<void> {
  for (let at = 0; at < into.length;) {
    const n = await file.read(into.subarray(at));
    if (n === null) throw new KerfError(`Cannot read "${path}": it ends too early`);
    at += n;
  }
}
