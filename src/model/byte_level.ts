/**
 * GPT-2's alphabet: one printable character per byte, in which byte-level BPE vocabularies are written.
 * Printable Latin-1 bytes stand for themselves, the others get characters from U+0100 on, in order.
 *
 * Source: Radford et al., Language Models are Unsupervised Multitask Learners (2019), its encoder.
 */

const stands = (byte: number): boolean =>
  (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;

/** The character of each byte. */
export const BYTE_CHARACTERS: readonly string[] = Object.freeze(
  Array.from({ length: 256 }, (_, byte) => byte).map((byte, _, all) =>
    String.fromCodePoint(
      stands(byte) ? byte : 256 + all.slice(0, byte).filter((b) => !stands(b)).length,
    )
  ),
);

const BYTE_OF: ReadonlyMap<string, number> = new Map(BYTE_CHARACTERS.map((c, byte) => [c, byte]));

const utf8 = new TextEncoder();

/** Text as a vocabulary writes it: its UTF-8 bytes, one character each. */
export function toByteLevel(text: string): string {
  let written = "";
  for (const byte of utf8.encode(text)) written += BYTE_CHARACTERS[byte];
  return written;
}

/** The bytes a vocabulary entry stands for; characters outside the alphabet stand for their UTF-8. */
export function fromByteLevel(token: string): Uint8Array {
  return Uint8Array.from([...token].flatMap((c) => {
    const byte = BYTE_OF.get(c);
    return byte === undefined ? [...utf8.encode(c)] : [byte];
  }));
}
