/**
 * Token ids back to text. Tokens are bytes, and a character may be spread over several: the streaming
 * decoder gives only whole characters and keeps the rest for the next token. It hides nothing: special
 * tokens read as their text, bytes that never become a character read as U+FFFD.
 */

import { fromByteLevel } from "./byte_level.ts";
import type { TextList } from "./text_list.ts";
import { TOKEN_KIND } from "./vocabulary.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Turns tokens that arrive one by one into text. */
export interface StreamingDecoder {
  /** The characters that `id` completes; may be empty. @throws {RangeError} no such token */
  push(id: number): string;
  /** What is left when no token follows: an unfinished character as U+FFFD. */
  end(): string;
}

/** The bytes of one token. */
export type TokenBytes = (id: number) => Uint8Array;

const utf8 = new TextEncoder();

/** Bytes of byte-level BPE tokens: special and user-defined ones are plain text. */
export const byteLevelBytes = ({ tokens, kinds }: Vocabulary): TokenBytes =>
  remember((id) => {
    const text = tokenAt(tokens, id);
    return kinds[id] === TOKEN_KIND.normal ? fromByteLevel(text) : utf8.encode(text);
  });

/** Bytes of SentencePiece tokens: `▁` is a space, `<0x0A>` a byte. */
export const sentencePieceBytes = ({ tokens, kinds }: Vocabulary): TokenBytes =>
  remember((id) => {
    const text = tokenAt(tokens, id);
    if (kinds[id] === TOKEN_KIND.byte) return Uint8Array.of(Number.parseInt(text.slice(3, 5), 16));
    return utf8.encode(kinds[id] === TOKEN_KIND.normal ? text.replaceAll("▁", " ") : text);
  });

function tokenAt(tokens: TextList, id: number): string {
  const text = tokens.at(id);
  if (text !== undefined) return text;
  throw new RangeError(`Cannot decode token ${id}: the vocabulary has ${tokens.length}`);
}

/** Answers repeat tokens: each is looked up once. */
function remember(bytesOf: TokenBytes): TokenBytes {
  const known = new Map<number, Uint8Array>();
  return (id) => {
    const bytes = known.get(id) ?? bytesOf(id);
    known.set(id, bytes);
    return bytes;
  };
}

/** A decoder that starts with nothing pending. */
export function streamingDecoder(bytesOf: TokenBytes): StreamingDecoder {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return {
    push: (id) => decoder.decode(bytesOf(id), { stream: true }),
    end: () => decoder.decode(),
  };
}
