import { assertEquals } from "@std/assert";
import { docComment } from "./doc_comment.ts";

Deno.test("the doc comment right before the default export is the kernel's", () => {
  const text = `/** Of another. */
const d = 1;

/**
 * Two lines,
 *
 *     and a picture.
 */
export default kernel({});
`;
  assertEquals(docComment(text), ["Two lines,", "", "    and a picture."]);
  assertEquals(docComment("/** One. */\nexport default x;\n"), ["One."]);
});

Deno.test("a file without one has none", () => {
  assertEquals(docComment("/** Of another. */\nconst d = 1;\nexport default d;\n"), []);
  assertEquals(docComment("const d = 1;\n"), []);
});
