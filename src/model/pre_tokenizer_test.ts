import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { PRE_TOKENIZERS, preTokenize } from "./pre_tokenizer.ts";

const cut = (name: string, text: string) => preTokenize(text, PRE_TOKENIZERS[name]!.patterns);

Deno.test("gpt-2 keeps one space with a word and runs of digits together", () => {
  assertEquals(
    cut("gpt-2", "I'll pay  $1234 now\n\n!"),
    ["I", "'ll", " pay", " ", " $", "1234", " now", "\n", "\n", "!"],
  );
  assertEquals(cut("gpt-2", "WE'LL"), ["WE", "'", "LL"]);
});

Deno.test("smollm cuts digits singly, before words take their space", () => {
  assertEquals(cut("smollm", "a 42 b"), ["a", " ", "4", "2", " b"]);
});

Deno.test("llama-bpe cuts numbers by three and keeps contractions whatever their case", () => {
  assertEquals(cut("llama-bpe", "WE'LL 12345"), ["WE", "'LL", " ", "123", "45"]);
  assertEquals(cut("llama-bpe", "end.\n\n  (x)"), ["end", ".\n\n", " ", " (", "x", ")"]);
});

Deno.test("qwen2 cuts digits singly", () => {
  assertEquals(cut("qwen2", "x12 y"), ["x", "1", "2", " y"]);
});

Deno.test("default cuts punctuation first and numbers by three", () => {
  assertEquals(cut("default", "a,b 1234"), ["a", ",", "b", " ", "123", "4"]);
});

Deno.test("white space is Unicode's: U+0085 is, U+FEFF is not", () => {
  assertEquals(cut("gpt-2", "a\u0085b"), ["a", "\u0085", "b"]);
  assertEquals(cut("gpt-2", "!\ufeff!"), ["!\ufeff!"]);
});

Deno.test("pieces join to the text", () => {
  for (const name of Object.keys(PRE_TOKENIZERS)) {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        assertEquals(cut(name, text).join(""), text);
      }),
      { seed: 20260101, numRuns: 200 },
    );
  }
});
