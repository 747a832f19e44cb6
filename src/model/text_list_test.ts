import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { TextList } from "./text_list.ts";

const long = "a text of more than twenty-four bytes";
const texts = ["<s>", "", "é", "Ġthe", "🪚", long, "é", "\ufeff", "e\u0301"];

Deno.test("a text list gives its texts back and finds each, of equal ones the last", () => {
  const list = TextList.of(texts);
  assertEquals([...list], texts);
  assertEquals([list.length, list.at(texts.length), list.at(-1)], [
    texts.length,
    undefined,
    undefined,
  ]);
  for (const text of texts) assertEquals(list.indexOf(text), texts.lastIndexOf(text), text);
  assertEquals(
    ["<s", "<s>x", "E", "the"].map((text) => list.indexOf(text)),
    Array(4).fill(undefined),
  );
  assertEquals(TextList.of([]).indexOf(""), undefined);
});

Deno.test("texts are found whatever their hashes are", () => {
  const words = fc.uniqueArray(fc.string({ unit: "binary", maxLength: 3 }), { maxLength: 300 });
  fc.assert(
    fc.property(words, fc.string({ unit: "binary", maxLength: 3 }), (words, other) => {
      const list = TextList.of(words);
      words.forEach((word, i) => assertEquals(list.indexOf(word), i));
      const at = words.indexOf(other);
      assertEquals(list.indexOf(other), at < 0 ? undefined : at);
    }),
    { seed: 20260101, numRuns: 100 },
  );
});

Deno.test("a byte is sought inside its text, the first byte left out", () => {
  const list = TextList.of([" ab", "a b", "ab", " "]);
  assertEquals([0, 1, 2, 3].map((i) => list.hasBytePastFirst(i, 0x20)), [
    false,
    true,
    false,
    false,
  ]);
});
