import { assertEquals, assertThrows } from "@std/assert";
import { chapterPassages, cutPassages, defaultChapterNumbers } from "./passages.ts";

/** A token per character. */
const encode = (text: string) => [...text].map((c) => c.codePointAt(0)!);

Deno.test("a passage is the first tokens of its text; short texts are named", () => {
  const texts = [{ name: "a", text: "abcdef" }, { name: "b", text: "xyz" }];
  assertEquals(cutPassages(texts, 4, encode), {
    passages: [{ name: "a", tokens: encode("abcd") }],
    short: [{ name: "b", nTokens: 3 }],
  });
});

Deno.test("a passage begins with its chapter and goes on with the next ones", () => {
  const chapters = Array.from({ length: 135 }, (_, i) => `${i + 1} `.repeat(i + 1 === 54 ? 99 : 5));
  const made = chapterPassages(chapters, [3, 54], { nTokens: 40, encode });
  assertEquals(made.map(({ name }) => name), ["chapters 3 to 6", "chapter 54"]);
  assertEquals(made.every(({ tokens }) => tokens.length === 40), true);
  assertEquals(made[0]!.tokens.slice(0, 14), encode("3 3 3 3 3 \n\n4 "));
  for (const number of [0, 135, 136]) {
    assertThrows(
      () => chapterPassages(chapters, [number], { nTokens: 99, encode }),
      RangeError,
      `no 99 tokens from chapter ${number} on`,
    );
  }
});

Deno.test("default passages are the reference's: eight chapters, three of long ones", () => {
  assertEquals(defaultChapterNumbers(1024 + 257), [3, 9, 36, 41, 48, 54, 64, 81]);
  assertEquals(defaultChapterNumbers(3072 + 257), [3, 54, 81]);
});
