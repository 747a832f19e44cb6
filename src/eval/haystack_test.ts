import { assertEquals } from "@std/assert";
import { cutText, hide, turned } from "./haystack.ts";

const TEXT = "One two. Three four! Five? Six";

Deno.test("a sentence goes to the sentence end nearest its depth", () => {
  const at = (depth: number) => hide(TEXT, [{ sentence: " Here.", depth }]);
  assertEquals(at(0), "Here. One two. Three four! Five? Six");
  assertEquals(at(0.25), "One two. Here. Three four! Five? Six");
  assertEquals(at(0.7), "One two. Three four! Here. Five? Six");
  assertEquals(at(1), "One two. Three four! Five? Six Here.");
  assertEquals(hide("", [{ sentence: " Here.", depth: 0.5 }]), "Here. ");
});

Deno.test("many sentences keep their order, also in one place", () => {
  const hidden = [0, 0.01, 0.25, 1, 1].map((depth, i) => ({ sentence: ` ${i}.`, depth }));
  assertEquals(hide(TEXT, hidden), "0. 1. One two. 2. Three four! Five? Six 3. 4.");
});

Deno.test("a cut leaves no broken character, and a turned text loses nothing", () => {
  const encode = (text: string) => [...new TextEncoder().encode(text)];
  const decode = (ids: readonly number[]) => new TextDecoder().decode(Uint8Array.from(ids));
  assertEquals(cutText("aé€", 5, { encode, decode }), "aé");
  assertEquals(cutText("aé€", 99, { encode, decode }), "aé€");
  assertEquals(turned("abcdef", 8), "cdef\n\nab");
  assertEquals(turned("abcdef", 12), "abcdef");
});
