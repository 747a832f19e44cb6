/**
 * How text is cut before byte-pair encoding: a list of patterns per `tokenizer.ggml.pre`, applied one
 * after the other; each match becomes a piece of its own, what lies between stays for the next pattern.
 * Merges never cross a cut. `\p{White_Space}` is Unicode's set, which JavaScript's `\s` is not.
 *
 * Source: the tokenizer.json files of the models named below.
 */

/** One way to cut text, and two habits of the tokenizers that use it. */
export interface PreTokenizer {
  readonly patterns: readonly RegExp[];
  /** A piece that is a token is taken whole, without following the merges. */
  readonly ignoreMerges: boolean;
  /** Whether text starts with BOS when the file does not say. */
  readonly addBos: boolean;
}

const GPT2 =
  /'(?:s|t|re|ve|m|ll|d)| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;
const DIGIT = /\p{N}/gu;
/** Words with one leading non-letter, numbers in runs of at most `digits`, lines' ends kept together. */
const words = (digits: string) =>
  new RegExp(
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" + digits +
      "| ?[^\\p{White_Space}\\p{L}\\p{N}]+[\\r\\n]*|\\p{White_Space}*[\\r\\n]+|" +
      "\\p{White_Space}+(?!\\P{White_Space})|\\p{White_Space}+",
    "gu",
  );

const cut = (...patterns: RegExp[]): PreTokenizer => ({
  patterns,
  ignoreMerges: false,
  addBos: false,
});
const gpt2 = cut(GPT2);
const singleDigits = cut(DIGIT, GPT2);
const qwen2 = cut(words("\\p{N}"));
const llama3 = { ...cut(words("\\p{N}{1,3}")), ignoreMerges: true, addBos: true };

/** By `tokenizer.ggml.pre`. */
export const PRE_TOKENIZERS: Readonly<Record<string, PreTokenizer>> = Object.freeze({
  "default": cut(/[\p{P}$+<=>^~|]+/gu, GPT2, /\p{N}+/gu, /[0-9]{3}/gu),
  "gpt-2": gpt2,
  "smollm": singleDigits,
  "starcoder": singleDigits,
  "llama-bpe": llama3,
  "llama3": llama3,
  "llama-v3": llama3,
  "smaug-bpe": cut(words("\\p{N}{1,3}")),
  "qwen2": qwen2,
  "deepseek-r1-qwen": qwen2,
});

/** Cuts text into pieces that join to the text again. */
export function preTokenize(text: string, patterns: readonly RegExp[]): string[] {
  return patterns.reduce(
    (pieces, pattern) => pieces.flatMap((piece) => splitKeeping(piece, pattern)),
    text === "" ? [] : [text],
  );
}

/** The matches of a global pattern and the text between them, in order, none empty. */
export function splitKeeping(text: string, pattern: RegExp): string[] {
  const pieces: string[] = [];
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > end) pieces.push(text.slice(end, match.index));
    if (match[0] !== "") pieces.push(match[0]);
    end = match.index + match[0].length;
  }
  if (end < text.length) pieces.push(text.slice(end));
  return pieces;
}
