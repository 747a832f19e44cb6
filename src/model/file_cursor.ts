/**
 * Reads a file front to back through one small buffer, so that a header is parsed without the file in
 * memory. Every read is checked against the file's size before anything is allocated; it never seeks.
 */

import { KerfError } from "../core/error.ts";
import { decodeUtf8, TextList } from "./text_list.ts";
import type { TextPlaces } from "./text_list.ts";

/** Bytes fetched at a time: a header of some megabytes takes a few reads, a small file one. */
const CHUNK_BYTES = 1 << 20;

/**
 * A sequential little-endian reader over an open file.
 *
 * `inside` names what is being read ("the name of tensor 3"); it ends up in the message when the file
 * stops there or a size is absurd.
 */
export class FileCursor {
  /** What is being read now, for messages. */
  inside = "the header";
  readonly #file: Deno.FsFile;
  readonly #describe: string;
  #buffer = new Uint8Array(0);
  #view = new DataView(this.#buffer.buffer);
  /** File offset of the buffer's first byte, and the next byte to hand out. */
  #bufferOffset = 0;
  #at = 0;
  /** From where on the buffer's bytes stay although they were handed out. */
  #keepFrom: number | undefined;

  /** @param options.describe starts every message: `Cannot read "x.gguf" as a GGUF model` */
  constructor(file: Deno.FsFile, readonly fileBytes: number, options: { describe: string }) {
    this.#file = file;
    this.#describe = options.describe;
  }

  /** Offset in the file of the next byte. */
  get offset(): number {
    return this.#bufferOffset + this.#at;
  }

  /** Bytes from here to the end of the file. */
  get remainingBytes(): number {
    return this.fileBytes - this.offset;
  }

  /** Ends the reading with one line. */
  fail(state: string, hint?: string): never {
    throw new KerfError(`${this.#describe}: ${state}`, hint === undefined ? {} : { hint });
  }

  // One value of each type; all fail when the file ends inside it.
  u8 = (): number => this.#read(1, (view, at) => view.getUint8(at));
  i8 = (): number => this.#read(1, (view, at) => view.getInt8(at));
  u16 = (): number => this.#read(2, (view, at) => view.getUint16(at, true));
  i16 = (): number => this.#read(2, (view, at) => view.getInt16(at, true));
  u32 = (): number => this.#read(4, (view, at) => view.getUint32(at, true));
  i32 = (): number => this.#read(4, (view, at) => view.getInt32(at, true));
  f32 = (): number => this.#read(4, (view, at) => view.getFloat32(at, true));
  f64 = (): number => this.#read(8, (view, at) => view.getFloat64(at, true));
  u64 = (): bigint => this.#read(8, (view, at) => view.getBigUint64(at, true));
  i64 = (): bigint => this.#read(8, (view, at) => view.getBigInt64(at, true));

  /** A u64 that counts something: at most `max`, which keeps a damaged count from being believed. */
  count(max: number, what: string): number {
    const at = this.#take(8);
    const n = this.#view.getUint32(at + 4, true) * 2 ** 32 + this.#view.getUint32(at, true);
    if (n > max) {
      this.fail(
        `${what} is ${n}, but at most ${max} can follow in a file of ${this.fileBytes} bytes`,
        "the file is damaged: download it again",
      );
    }
    return n;
  }

  /** UTF-8 text behind its u64 length; bytes that are not UTF-8 read as U+FFFD. */
  string(maxBytes: number): string {
    const max = Math.max(0, Math.min(maxBytes, this.remainingBytes - 8));
    const nBytes = this.count(max, `the length of ${this.inside}`);
    const at = this.#take(nBytes);
    return decodeUtf8(this.#buffer, at, at + nBytes);
  }

  /** `n` such texts, undecoded. */
  texts(n: number, maxBytes: number): TextList {
    const places = { starts: new Uint32Array(n), lengths: new Uint32Array(n) };
    const { starts, lengths } = places;
    const what = `the length of ${this.inside}`;
    this.#keepFrom = this.#at;
    for (let i = 0; i < n; i++) {
      const from = { at: this.#at, base: this.#keepFrom, i };
      ({ at: this.#at, i } = scanTexts(this.#view, places, { ...from, maxBytes }));
      if (i === n) break;
      // This one is not in the buffer as a whole, or is no text.
      const max = Math.max(0, Math.min(maxBytes, this.remainingBytes - 8));
      const nBytes = this.count(max, what);
      const at = this.#take(nBytes);
      starts[i] = at - this.#keepFrom;
      lengths[i] = nBytes;
    }
    const bytes = this.#buffer.subarray(this.#keepFrom, this.#at);
    this.#keepFrom = undefined;
    return new TextList(bytes, places);
  }

  /** `nBytes` as they are. */
  bytes(nBytes: number): Uint8Array<ArrayBuffer> {
    const at = this.#take(nBytes);
    return this.#buffer.slice(at, at + nBytes);
  }

  /** The view is looked up after the refill, which replaces it. */
  #read<T>(nBytes: number, get: (view: DataView, at: number) => T): T {
    const at = this.#take(nBytes);
    return get(this.#view, at);
  }

  /** Moves past `nBytes` and returns where they start in the buffer. */
  #take(nBytes: number): number {
    if (this.#at + nBytes > this.#buffer.length) this.#refill(nBytes);
    const at = this.#at;
    this.#at += nBytes;
    return at;
  }

  #refill(nBytes: number): void {
    const offset = this.offset;
    if (offset + nBytes > this.fileBytes) {
      this.fail(
        `it ends at byte ${this.fileBytes}, inside ${this.inside}`,
        "the file is incomplete: download it again",
      );
    }
    const kept = this.#keepFrom === undefined ? 0 : this.#at - this.#keepFrom;
    // What is kept grows with every refill: so do the refills.
    const more = Math.max(nBytes, Math.min(Math.max(CHUNK_BYTES, kept), this.fileBytes - offset));
    const next = new Uint8Array(kept + more);
    const left = this.#buffer.subarray(this.#at - kept);
    next.set(left);
    let filled = left.length;
    while (filled < next.length) {
      const n = this.#file.readSync(next.subarray(filled));
      if (n === null) this.fail("it became shorter while it was read");
      filled += n;
    }
    this.#buffer = next;
    this.#view = new DataView(next.buffer);
    this.#bufferOffset = offset - kept;
    this.#at = kept;
    if (this.#keepFrom !== undefined) this.#keepFrom = 0;
  }
}

/**
 * Notes the places, counted from `base`, of texts that lie in the buffer as a whole, from the `i`th on.
 * Returns where it stopped. One loop without calls: a vocabulary is a hundred thousand texts, and a process
 * that starts has compiled nothing yet.
 */
function scanTexts(
  view: DataView,
  { starts, lengths }: TextPlaces,
  from: { at: number; base: number; i: number; maxBytes: number },
): { at: number; i: number } {
  let { at, i } = from;
  const { base, maxBytes } = from;
  for (; i < starts.length && at + 8 <= view.byteLength; i++) {
    const nBytes = view.getUint32(at, true);
    const isLong = view.getUint32(at + 4, true) !== 0 || nBytes > maxBytes;
    if (isLong || at + 8 + nBytes > view.byteLength) break;
    starts[i] = at + 8 - base;
    lengths[i] = nBytes;
    at += 8 + nBytes;
  }
  return { at, i };
}
