/**
 * A model's tokens as the file lists them: text and kind of each, and the ids with a role. Shared by
 * encoding and decoding; it knows nothing of how text is cut.
 */

import { KerfError } from "../core/error.ts";
import { numbers, optionalNumber, texts } from "./metadata.ts";
import type { WithMetadata } from "./metadata.ts";
import type { TextList } from "./text_list.ts";

/** Token kinds by GGUF's number. */
export const TOKEN_KIND = Object.freeze({ normal: 1, unknown: 2, control: 3, user: 4, byte: 6 });

/** The tokens of a model. */
export interface Vocabulary {
  /** Text of each token, as the file writes it. */
  readonly tokens: TextList;
  /** {@linkcode TOKEN_KIND} of each token. */
  readonly kinds: readonly number[];
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
  /** Ids that end an answer. */
  readonly stopIds: ReadonlySet<number>;
}

/** Keys whose token ends an answer: end of sequence, of turn, of message. */
const STOP_KEYS = ["eos_token_id", "eot_token_id", "eom_token_id"];

/**
 * Control tokens that end an answer in every family that has them. Files often declare only one of
 * them: a chat model whose eos_token_id is <|endoftext|> still ends its turns with <|im_end|>.
 */
const STOP_TEXTS: ReadonlySet<string> = new Set([
  "<|im_end|>",
  "<|endoftext|>",
  "<|end_of_text|>",
  "<|eot_id|>",
  "<|eom_id|>",
  "<|end|>",
  "<end_of_turn>",
  "</s>",
]);

/**
 * Reads `tokenizer.ggml.tokens` and what belongs to them.
 * @throws {KerfError} a list is missing or of another length, an id is no token
 */
export function readVocabulary(gguf: WithMetadata): Vocabulary {
  const tokens = texts(gguf, "tokenizer.ggml.tokens");
  const kinds = gguf.metadata.has("tokenizer.ggml.token_type")
    ? numbers(gguf, "tokenizer.ggml.token_type")
    : new Array<number>(tokens.length).fill(TOKEN_KIND.normal);
  if (kinds.length !== tokens.length) {
    throw new KerfError(
      `Cannot use "${gguf.path}": it lists ${tokens.length} tokens and ${kinds.length} token types`,
      { hint: "the file is damaged: download it again" },
    );
  }
  const id = (name: string) => tokenId(gguf, { name, nVocab: tokens.length });
  const stopIds = new Set(STOP_KEYS.map(id).filter((i) => i !== undefined));
  kinds.forEach((kind, i) => {
    if (kind === TOKEN_KIND.control && STOP_TEXTS.has(tokens.at(i)!)) stopIds.add(i);
  });
  return { tokens, kinds, bosId: id("bos_token_id"), eosId: id("eos_token_id"), stopIds };
}

function tokenId(
  gguf: WithMetadata,
  { name, nVocab }: { name: string; nVocab: number },
): number | undefined {
  const key = `tokenizer.ggml.${name}`;
  const id = optionalNumber(gguf, key);
  if (id === undefined || (Number.isInteger(id) && id >= 0 && id < nVocab)) return id;
  throw new KerfError(
    `Cannot use "${gguf.path}": its metadata "${key}" is ${id}, not one of ${nVocab} tokens`,
    { hint: "the file is damaged: download it again" },
  );
}
