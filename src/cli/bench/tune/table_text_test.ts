import { assertEquals, assertStringIncludes } from "@std/assert";
import { projectUrl } from "../../../sys/testing.ts";
import { TILES } from "../../../emit/targets/c/tiles.ts";
import { TABLE_FILE, tableText } from "./table_text.ts";

Deno.test("the table's file is what --write would write of it", () => {
  assertEquals(tableText(TILES), Deno.readTextFileSync(new URL(projectUrl(TABLE_FILE))));
});

Deno.test("a shape that was found is in the text, and who found it", () => {
  const v3 = { ...TILES.v3, found: "two threads", q8: { ...TILES.v3.q8, rows: 7 } };
  const text = tableText({ ...TILES, v3 });
  assertStringIncludes(text, `  v3: {\n    found: "two threads",\n`);
  assertStringIncludes(text, "    q8: { rows: 7, vectors: ");
});
