/**
 * A vocabulary's texts as the bytes that a file holds: found by a hash of their bytes, decoded one by one
 * where they are wanted. A start reads a hundred thousand of them and uses a few dozen.
 */

/** Where each of a list's texts lies in its bytes. */
export interface TextPlaces {
  readonly starts: Uint32Array;
  readonly lengths: Uint32Array;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** FNV-1a's prime and start; the last bits are mixed with the first, since places are taken from the last. */
const [PRIME, START] = [0x01000193, 0x811c9dc5];

function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = START;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, PRIME);
  return hash ^ (hash >>> 15);
}

/** UTF-8 to text; bytes that are no UTF-8 read as U+FFFD. */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string {
  // Most are short and ASCII: those skip TextDecoder's set-up.
  if (end - start > 24) return decoder.decode(bytes.subarray(start, end));
  let text = "";
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if (byte > 127) return decoder.decode(bytes.subarray(start, end));
    text += String.fromCharCode(byte);
  }
  return text;
}

/**
 * Texts in order.
 *
 * @example
 * ```ts
 * import { TextList } from "./text_list.ts";
 * const list = TextList.of(["a", "bc", "a"]);
 * if (list.at(1) !== "bc" || list.indexOf("a") !== 2) throw new Error("lost");
 * ```
 */
export class TextList implements Iterable<string> {
  readonly #bytes: Uint8Array;
  readonly #starts: Uint32Array;
  readonly #lengths: Uint32Array;
  /** Open addressing: each text's index + 1, 0 where none is; made when a text is sought first. */
  #table: Uint32Array | undefined;

  constructor(bytes: Uint8Array, { starts, lengths }: TextPlaces) {
    this.#bytes = bytes;
    this.#starts = starts;
    this.#lengths = lengths;
  }

  /** The list of texts that are in memory already. */
  static of(texts: readonly string[]): TextList {
    const parts = texts.map((text) => encoder.encode(text));
    const lengths = Uint32Array.from(parts, (part) => part.length);
    const starts = new Uint32Array(parts.length);
    for (let i = 1; i < parts.length; i++) starts[i] = starts[i - 1]! + lengths[i - 1]!;
    const bytes = new Uint8Array(lengths.reduce((sum, n) => sum + n, 0));
    parts.forEach((part, i) => bytes.set(part, starts[i]!));
    return new TextList(bytes, { starts, lengths });
  }

  get length(): number {
    return this.#starts.length;
  }

  /** A text; undefined beyond the list. */
  at(index: number): string | undefined {
    const [start, length] = [this.#starts[index], this.#lengths[index]];
    if (start === undefined || length === undefined) return undefined;
    return decodeUtf8(this.#bytes, start, start + length);
  }

  /** The place of a text, of equal ones the last; undefined: it is not there. */
  indexOf(text: string): number | undefined {
    const bytes = encoder.encode(text);
    const table = this.#table ??= this.#index();
    const found = table[this.#slot(table, bytes, 0, bytes.length)]!;
    return found === 0 ? undefined : found - 1;
  }

  /** Whether a text has a byte from its second one on. */
  hasBytePastFirst(index: number, byte: number): boolean {
    const bytes = this.#bytes;
    const start = this.#starts[index]!;
    const end = start + this.#lengths[index]!;
    for (let i = start + 1; i < end; i++) if (bytes[i] === byte) return true;
    return false;
  }

  *[Symbol.iterator](): Iterator<string> {
    for (let i = 0; i < this.length; i++) yield this.at(i)!;
  }

  #index(): Uint32Array {
    // At most half full, so that a search ends soon.
    const table = new Uint32Array(2 ** Math.ceil(Math.log2(2 * this.length + 1)));
    for (let i = 0; i < this.length; i++) {
      const start = this.#starts[i]!;
      table[this.#slot(table, this.#bytes, start, start + this.#lengths[i]!)] = i + 1;
    }
    return table;
  }

  /** Where a text is in the table, or would be. */
  #slot(table: Uint32Array, bytes: Uint8Array, start: number, end: number): number {
    const mask = table.length - 1;
    for (let slot = hashOf(bytes, start, end) & mask;; slot = (slot + 1) & mask) {
      const entry = table[slot]!;
      if (entry === 0 || this.#equals(entry - 1, bytes, start, end)) return slot;
    }
  }

  #equals(index: number, bytes: Uint8Array, start: number, end: number): boolean {
    const own = this.#starts[index]!;
    if (this.#lengths[index] !== end - start) return false;
    for (let i = 0; i < end - start; i++) {
      if (this.#bytes[own + i] !== bytes[start + i]) return false;
    }
    return true;
  }
}
