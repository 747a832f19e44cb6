/**
 * Text to token ids and back, from what the GGUF file carries: byte-level BPE (GPT-2's kind) or
 * SentencePiece BPE. The merging itself is @huggingface/tokenizers'; cutting, special tokens and decoding
 * are here. Bytes a vocabulary has no token for are left out, as its original tokenizer does.
 */

import { BPE } from "@huggingface/tokenizers";
import { KerfError } from "../core/error.ts";
import { toByteLevel } from "./byte_level.ts";
import { byteLevelBytes, sentencePieceBytes, streamingDecoder } from "./detokenizer.ts";
import type { StreamingDecoder, TokenBytes } from "./detokenizer.ts";
import { numbers, optionalBoolean, string, texts } from "./metadata.ts";
import type { WithMetadata } from "./metadata.ts";
import { PRE_TOKENIZERS, preTokenize, splitKeeping } from "./pre_tokenizer.ts";
import { mergesFromScores } from "./sentencepiece.ts";
import { TextList } from "./text_list.ts";
import { readVocabulary, TOKEN_KIND } from "./vocabulary.ts";
import type { Vocabulary } from "./vocabulary.ts";

export type { StreamingDecoder } from "./detokenizer.ts";

/** How text is read. */
export interface EncodeOptions {
  /** Read control tokens such as `<|im_end|>` in the text as tokens. Default true. */
  readonly special?: boolean;
  /** Start with BOS where the model wants one and the text does not bring it. Default true. */
  readonly bos?: boolean;
}

/** A model's tokenizer. */
export interface Tokenizer {
  readonly nVocab: number;
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
  /** Ids that end an answer. */
  readonly stopIds: ReadonlySet<number>;
  /** A token as the file writes it, for templates and tables. */
  tokenText(id: number): string | undefined;
  encode(text: string, options?: EncodeOptions): number[];
  /** @throws {RangeError} an id is no token */
  decode(ids: readonly number[]): string;
  decoder(): StreamingDecoder;
}

const SPACE = 0x20;

/** What differs between the kinds of vocabulary. */
interface Encoding {
  /** Token texts of a run of text that holds no special token. */
  readonly pieces: (text: string) => string[];
  readonly bytesOf: TokenBytes;
  readonly addBos: boolean;
  /** Encoding puts a space before text, decoding takes it away. */
  readonly spacePrefix: boolean;
}

/**
 * Builds the tokenizer a model file describes.
 * @throws {KerfError} the kind of vocabulary or the pre-tokenizer is not supported, or a list is damaged
 */
export function createTokenizer(gguf: WithMetadata): Tokenizer {
  const vocabulary = readVocabulary(gguf);
  const { tokens, kinds, bosId, eosId, stopIds } = vocabulary;
  const { pieces, bytesOf, addBos, spacePrefix } = encodingOf(gguf, vocabulary);
  const startsWithBos = optionalBoolean(gguf, "tokenizer.ggml.add_bos_token") ?? addBos;
  const ofKinds = (...wanted: number[]) => {
    const found: string[] = [];
    kinds.forEach((kind, id) => {
      if (wanted.includes(kind)) found.push(tokens.at(id)!);
    });
    return alternatives(found);
  };
  const userDefined = ofKinds(TOKEN_KIND.user);
  const anySpecial = ofKinds(TOKEN_KIND.user, TOKEN_KIND.control, TOKEN_KIND.unknown);

  const encode = (text: string, options: EncodeOptions = {}): number[] => {
    const { pattern, texts } = options.special ?? true ? anySpecial : userDefined;
    const found = splitKeeping(text, pattern).flatMap((part) =>
      (texts.has(part) ? [part] : pieces(part)).map((piece) => tokens.indexOf(piece)!)
    );
    const wantsBos = (options.bos ?? true) && startsWithBos && bosId !== undefined;
    return wantsBos && found[0] !== bosId ? [bosId, ...found] : found;
  };
  const decoder = () => streamingDecoder(bytesOf);
  const decode = (list: readonly number[]): string => {
    const stream = decoder();
    const text = list.map((id) => stream.push(id)).join("") + stream.end();
    return spacePrefix && text.startsWith(" ") ? text.slice(1) : text;
  };
  const tokenText = (id: number) => tokens.at(id);
  return { nVocab: tokens.length, bosId, eosId, stopIds, tokenText, encode, decode, decoder };
}

function encodingOf(gguf: WithMetadata, vocabulary: Vocabulary): Encoding {
  const model = string(gguf, "tokenizer.ggml.model");
  if (model === "gpt2") return byteLevel(gguf, vocabulary);
  if (model === "llama") return sentencePiece(gguf, vocabulary);
  return refuse(gguf, `its tokenizer is "${model}"; Kerf has gpt2 (byte-level BPE) and llama`);
}

function byteLevel(gguf: WithMetadata, vocabulary: Vocabulary): Encoding {
  const pre = string(gguf, "tokenizer.ggml.pre");
  const preTokenizer = Object.hasOwn(PRE_TOKENIZERS, pre) ? PRE_TOKENIZERS[pre]! : refuse(
    gguf,
    `its pre-tokenizer is "${pre}"; Kerf has ${Object.keys(PRE_TOKENIZERS).join(", ")}`,
  );
  const bpe = byPairs(vocabulary, {
    rankOf: rankIn(checkedMerges(gguf)),
    ignoreMerges: preTokenizer.ignoreMerges,
    byteFallback: false,
  });
  return {
    pieces: (text) => bpe.encode(preTokenize(text, preTokenizer.patterns).map(toByteLevel)),
    bytesOf: byteLevelBytes(vocabulary),
    addBos: preTokenizer.addBos,
    spacePrefix: false,
  };
}

function sentencePiece(gguf: WithMetadata, vocabulary: Vocabulary): Encoding {
  const scores = numbers(gguf, "tokenizer.ggml.scores");
  if (scores.length !== vocabulary.tokens.length) {
    refuse(gguf, `it lists ${vocabulary.tokens.length} tokens and ${scores.length} scores`);
  }
  const spacePrefix = optionalBoolean(gguf, "tokenizer.ggml.add_space_prefix") ?? true;
  const bpe = byPairs(vocabulary, {
    rankOf: rankIn(TextList.of(mergesFromScores(vocabulary.tokens, scores).map(joined))),
    ignoreMerges: false,
    byteFallback: true,
  });
  return {
    pieces: (text) => bpe.encode([((spacePrefix ? " " : "") + text).replaceAll(" ", "▁")]),
    bytesOf: sentencePieceBytes(vocabulary),
    addBos: true,
    spacePrefix,
  };
}

/** The place of a merge among all, lower ones first; undefined: the two are never merged. */
type RankOf = (left: string, right: string) => number | undefined;

const joined = ([left, right]: readonly [string, string]) => `${left} ${right}`;

const rankIn = (merges: TextList): RankOf => (left, right) => {
  const merge = joined([left, right]);
  // A piece is never empty: the first space that is not in front is the one between.
  return merge.indexOf(" ", 1) === left.length ? merges.indexOf(merge) : undefined;
};

/** The library's BPE over a vocabulary that stays as the file has it: its own tables would take 100 ms. */
function byPairs(
  { tokens }: Vocabulary,
  options: { rankOf: RankOf; ignoreMerges: boolean; byteFallback: boolean },
): BPE {
  const bpe = new BPE({
    type: "BPE",
    vocab: {},
    merges: [],
    ignore_merges: options.ignoreMerges,
    byte_fallback: options.byteFallback,
  });
  bpe.tokens_to_ids = lookUp((text) => tokens.indexOf(text));
  // The library names a pair by the JSON of its two texts.
  bpe.bpe_ranks = lookUp((pair) => options.rankOf(...JSON.parse(pair) as [string, string]));
  return bpe;
}

/** A map of which only `get` and `has` are asked. */
function lookUp(find: (key: string) => number | undefined): Map<string, number> {
  return new class extends Map<string, number> {
    override get = find;
    override has = (key: string) => find(key) !== undefined;
  }();
}

/** The merges of a file. @throws {KerfError} one is not two pieces */
function checkedMerges(gguf: WithMetadata): TextList {
  const merges = texts(gguf, "tokenizer.ggml.merges");
  for (let i = 0; i < merges.length; i++) {
    if (merges.hasBytePastFirst(i, SPACE)) continue;
    refuse(gguf, `its merge ${JSON.stringify(merges.at(i))} is not two pieces`);
  }
  return merges;
}

/** The texts as a set, and a pattern that finds any of them, the longest first; none: it finds nothing. */
function alternatives(texts: readonly string[]): { texts: ReadonlySet<string>; pattern: RegExp } {
  const longestFirst = texts.filter((t) => t !== "").toSorted((a, b) => b.length - a.length);
  const source = longestFirst.map((t) => RegExp.escape(t)).join("|") || "(?!)";
  return { texts: new Set(longestFirst), pattern: new RegExp(source, "gu") };
}

function refuse(gguf: WithMetadata, state: string): never {
  throw new KerfError(`Cannot make a tokenizer for "${gguf.path}": ${state}`, {
    hint: "choose another model, such as the default one: leave out -m",
  });
}
