import { assertEquals } from "@std/assert";
import { nearest } from "./nearest.ts";

Deno.test("nearest: a slip finds its name, another word finds none", () => {
  const names = ["think", "tova", "h2o", "snapkv", "cpu"];
  const found = ["thnk", "tihnk", "tov", "snapvk", "tpu", "pcu"].map((word) =>
    nearest(word, names)
  );
  assertEquals(found, ["think", "think", "tova", "snapkv", "cpu", "cpu"]);
  for (const word of ["", "x", "foo", "nothing", "streaming"]) {
    assertEquals(nearest(word, names), undefined, word);
  }
});
