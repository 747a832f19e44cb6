import { assertEquals } from "@std/assert";
import { cutPassages, DEFAULT_CHAPTERS, defaultPassages } from "./passages.ts";

/** A token per character. */
const encode = (text: string) => [...text].map((c) => c.codePointAt(0)!);

Deno.test("a passage is the first tokens of its text; short texts are named", () => {
  const texts = [{ name: "a", text: "abcdef" }, { name: "b", text: "xyz" }];
  assertEquals(cutPassages(texts, 4, encode), {
    passages: [{ name: "a", tokens: encode("abcd") }],
    short: [{ name: "b", nTokens: 3 }],
  });
});

Deno.test("default passages are the chapters that are long enough, else chapters go on", () => {
  const chapters = Array.from({ length: 135 }, (_, i) => `${i + 1} `.repeat(i + 1 === 54 ? 99 : 5));
  const short = defaultPassages(chapters, 10, encode);
  assertEquals(short.map(({ name }) => name), DEFAULT_CHAPTERS.map((n) => `chapter ${n}`));
  assertEquals(short[0]!.tokens, encode("3 3 3 3 3 "));
  const long = defaultPassages(chapters, 40, encode);
  assertEquals(long[0]!.name, "chapters 3 to 6");
  assertEquals(long[5]!.name, "chapter 54");
  assertEquals(long.every(({ tokens }) => tokens.length === 40), true);
  assertEquals(long[0]!.tokens.slice(0, 14), encode("3 3 3 3 3 \n\n4 "));
});
