import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { KerfError } from "../core/error.ts";
import { cacheDir } from "../sys/cache_dir.ts";
import { BYTE_CHARACTERS } from "./byte_level.ts";
import { resolveModel } from "./fetch.ts";
import { readGguf } from "./gguf.ts";
import type { GgufValue } from "./gguf.ts";
import { TextList } from "./text_list.ts";
import { createTokenizer } from "./tokenizer.ts";

interface Reference {
  readonly strings: readonly {
    readonly text: string;
    readonly ids: readonly number[];
    readonly ids_no_special?: readonly number[];
    readonly round_trip: boolean;
  }[];
  readonly chats: readonly { readonly rendered: string; readonly ids: readonly number[] }[];
}

const reference: Reference = JSON.parse(
  await Deno.readTextFile(new URL("../../tests/data/reference/tokens.json", import.meta.url)),
);

const defaultModel = async () =>
  createTokenizer(await readGguf(await resolveModel(undefined, { cacheDir: cacheDir() })));

const isTexts = (value: GgufValue): value is string[] =>
  Array.isArray(value) && typeof value[0] === "string";

/** A tokenizer from metadata alone; keys without their `tokenizer.ggml.` */
const fromMetadata = (metadata: Record<string, GgufValue>) =>
  createTokenizer({
    path: "x.gguf",
    metadata: new Map(
      Object.entries(metadata).map(([key, value]) =>
        [`tokenizer.ggml.${key}`, isTexts(value) ? TextList.of(value) : value] as const
      ),
    ),
  });

const SPECIAL = ["<|eot_id|>", "<s>"];
const byteLevel = {
  model: "gpt2",
  pre: "smollm",
  tokens: [...SPECIAL, ...BYTE_CHARACTERS, "th", "the", "Ġthe", "<user>"],
  token_type: [3, 3, ...BYTE_CHARACTERS.map(() => 1), 1, 1, 1, 4],
  merges: ["t h", "th e", "Ġ the"],
  bos_token_id: 1,
};
const idOf = (text: string) => byteLevel.tokens.indexOf(text);

const bytePieces = Array.from(
  { length: 256 },
  (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`,
);
const scored: [string, number][] = [
  ...[..."▁helo"].map((c): [string, number] => [c, -100]),
  ...Object.entries({ he: -10, ll: -5, llo: -20, "▁he": -30, hello: -7, "▁hello": -40 }),
];
const sentencePiece = {
  model: "llama",
  tokens: ["<unk>", "<s>", "</s>", ...bytePieces, ...scored.map(([text]) => text)],
  token_type: [2, 3, 3, ...bytePieces.map(() => 6), ...scored.map(() => 1)],
  scores: [0, 0, 0, ...bytePieces.map(() => 0), ...scored.map(([, score]) => score)],
  bos_token_id: 1,
  eos_token_id: 2,
};

Deno.test("the default model's tokenizer agrees with the reference", async () => {
  const tokenizer = await defaultModel();
  assertEquals(tokenizer.nVocab, 49152);
  assertEquals([...tokenizer.stopIds].sort(), [0, 2]);
  for (const { text, ids, ids_no_special, round_trip } of reference.strings) {
    assertEquals(tokenizer.encode(text), [...ids], text);
    assertEquals(tokenizer.encode(text, { special: false }), [...(ids_no_special ?? ids)], text);
    assertEquals(tokenizer.decode(ids) === text, round_trip, text);
  }
  for (const { rendered, ids } of reference.chats) {
    assertEquals(tokenizer.encode(rendered), [...ids]);
    assertEquals(tokenizer.decode(ids), rendered);
  }
});

Deno.test("streamed pieces are whole characters and join to what decode gives", async () => {
  const tokenizer = await defaultModel();
  const text = fc.string({ unit: "grapheme", maxLength: 40 });
  fc.assert(
    fc.property(text, (text) => {
      const ids = tokenizer.encode(text, { special: false });
      const decoder = tokenizer.decoder();
      const pieces = [...ids.map((id) => decoder.push(id)), decoder.end()];
      assert(pieces.every((piece) => piece.isWellFormed()));
      assertEquals(pieces.join(""), tokenizer.decode(ids));
    }),
    { seed: 20260101, numRuns: 300 },
  );
});

Deno.test("a streaming decoder holds back unfinished characters and hides nothing", () => {
  const tokenizer = fromMetadata(byteLevel);
  const bytes = (...list: number[]) => list.map((byte) => SPECIAL.length + byte);
  const decoder = tokenizer.decoder();
  const [a, b, c, d] = bytes(0xf0, 0x9f, 0xaa, 0x9a) as [number, number, number, number];
  assertEquals([a, b, c, d].map((id) => decoder.push(id)), ["", "", "", "🪚"]);
  assertEquals(decoder.push(a), "");
  assertEquals(decoder.push(0), "\ufffd<|eot_id|>");
  assertEquals(decoder.push(b), "\ufffd");
  assertEquals(decoder.push(a), "");
  assertEquals(decoder.end(), "\ufffd");
  assertEquals(tokenizer.decode(bytes(0xef, 0xbb, 0xbf, 0x41)), "\ufeffA");
  assertThrows(() => decoder.push(9999), RangeError, "Cannot decode token 9999");
});

Deno.test("special tokens are read as tokens or as text; user-defined ones always", () => {
  const tokenizer = fromMetadata(byteLevel);
  assertEquals(tokenizer.encode("<s> the<user>"), [1, idOf("Ġthe"), idOf("<user>")]);
  const plain = tokenizer.encode("<s><user>", { special: false });
  assertEquals(plain, [..."<s>"].map(idOf).concat(idOf("<user>")));
  assertEquals(tokenizer.decode(plain), "<s><user>");
  assertEquals([...tokenizer.stopIds], [0]);
});

Deno.test("BOS comes first where the file wants it, and once", () => {
  const t = idOf("t");
  const wants = fromMetadata({ ...byteLevel, add_bos_token: true });
  assertEquals(wants.encode("t"), [1, t]);
  assertEquals(wants.encode("<s>t"), [1, t]);
  assertEquals(wants.encode("t", { bos: false }), [t]);
  assertEquals(fromMetadata(byteLevel).encode("t"), [t]);
  // Llama 3's files leave the key out and want it.
  assertEquals(fromMetadata({ ...byteLevel, pre: "llama-bpe" }).encode("t"), [1, t]);
});

Deno.test("llama-bpe takes a piece that is a token whole, whatever the merges say", () => {
  const withoutMerge = { ...byteLevel, merges: ["t h"], add_bos_token: false };
  assertEquals(fromMetadata({ ...withoutMerge, pre: "llama-bpe" }).encode("the"), [idOf("the")]);
  assertEquals(fromMetadata(withoutMerge).encode("the"), [idOf("th"), idOf("e")]);
});

Deno.test("SentencePiece vocabularies merge by score and fall back to bytes", () => {
  const tokenizer = fromMetadata(sentencePiece);
  const ids = (...texts: string[]) => texts.map((text) => sentencePiece.tokens.indexOf(text));
  assertEquals(tokenizer.encode("hello"), ids("<s>", "▁hello"));
  assertEquals(tokenizer.encode("hell", { bos: false }), ids("▁he", "ll"));
  assertEquals(tokenizer.encode("é", { bos: false }), ids("▁", "<0xC3>", "<0xA9>"));
  assertEquals(tokenizer.encode("hello</s>"), ids("<s>", "▁hello", "</s>"));
  assertEquals(tokenizer.decode(ids("▁hello", "▁he", "<0xC3>", "<0xA9>")), "hello heé");
  assertEquals([...tokenizer.stopIds], [2]);
});

Deno.test("createTokenizer refuses what it does not know, by name", () => {
  const refused = (metadata: Record<string, GgufValue>, state: string) =>
    assertThrows(() => fromMetadata(metadata), KerfError, state);
  refused({ ...byteLevel, model: "bert" }, 'its tokenizer is "bert"');
  refused({ ...byteLevel, pre: "tekken" }, 'its pre-tokenizer is "tekken"; Kerf has default');
  refused({ ...byteLevel, pre: "constructor" }, 'its pre-tokenizer is "constructor"');
  refused({ ...byteLevel, token_type: [1] }, "tokens and 1 token types");
  refused({ ...byteLevel, merges: ["th"] }, 'its merge "th" is not two pieces');
  refused({ ...byteLevel, bos_token_id: 99999 }, '"tokenizer.ggml.bos_token_id" is 99999');
  refused({ ...byteLevel, tokens: [1, 2] }, '"tokenizer.ggml.tokens" is not a list');
  refused({ ...sentencePiece, scores: [1] }, "tokens and 1 scores");
  const { pre: _, ...withoutPre } = byteLevel;
  refused(withoutPre, '"tokenizer.ggml.pre" is missing');
});
