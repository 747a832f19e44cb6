/**
 * Reads a file front to back through one small buffer, so that a header is parsed without the file in
 * memory. Every read is checked against the file's size before anything is allocated; it never seeks.
 */

import { KerfError } from "../core/error.ts";

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
    const next = new Uint8Array(Math.max(nBytes, Math.min(CHUNK_BYTES, this.fileBytes - offset)));
    const left = this.#buffer.subarray(this.#at);
    next.set(left);
    let filled = left.length;
    while (filled < next.length) {
      const n = this.#file.readSync(next.subarray(filled));
      if (n === null) this.fail("it became shorter while it was read");
      filled += n;
    }
    this.#buffer = next;
    this.#view = new DataView(next.buffer);
    this.#bufferOffset = offset;
    this.#at = 0;
  }
}

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** Vocabularies are a hundred thousand short, mostly ASCII strings: those skip TextDecoder's set-up. */
function decodeUtf8(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > 24) return utf8.decode(bytes.subarray(start, end));
  let text = "";
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if (byte > 127) return utf8.decode(bytes.subarray(start, end));
    text += String.fromCharCode(byte);
  }
  return text;
}
