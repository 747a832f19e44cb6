import { assertEquals } from "@std/assert";
import {
  createScope,
  fieldName,
  hookScope,
  isIdentifier,
  settleNames,
  snakeCase,
} from "./names.ts";

Deno.test("names become snake_case", () => {
  const names = ["queryPosition", "kvHead", "x0", "Q4_K", "meanSquare", "already_snake"];
  assertEquals(names.map(snakeCase), [
    ...["query_position", "kv_head", "x0", "q4_k", "mean_square", "already_snake"],
  ]);
});

Deno.test("a scope gives each name once", () => {
  const scope = createScope(["row"]);
  const given = ["row", "scale", "scale", "Scale", "row"].map((name) => scope.unique(name));
  assertEquals(given, ["row_2", "scale", "scale_2", "scale_3", "row_3"]);
});

Deno.test("names come out as every language takes them", () => {
  const scope = createScope();
  const given = ["$x", "__half", "é", "$"].map((name) => scope.unique(name));
  assertEquals(given, ["x", "half", "value", "value_2"]);
});

Deno.test("a hook's names differ from the words of its function and of the language, and from no others", () => {
  const scope = hookScope();
  const [row, scale, int] = ["row", "scale", "int"].map((name) => scope.unique(name));
  assertEquals([isIdentifier(row!), isIdentifier(`${row} + 1`)], [true, false]);
  const text = `void other(int scale) { use(scale); }
void hook() { /* scale { */
  for (row = 0;;) { ${row} = ${scale} + ${int}; row_2(${row}); }
}
`;
  assertEquals(
    settleNames(text, new Set(["int", "int_2"])),
    `void other(int scale) { use(scale); }
void hook() { /* scale { */
  for (row = 0;;) { row_3 = scale + int_3; row_2(row_3); }
}
`,
  );
});

Deno.test("a name has one form in all the functions that it is in", () => {
  const [shared] = [hookScope().unique("sums")];
  const text = `var ${shared};\nfn a() { ${shared}; }\nfn b(sums) { ${shared}; }\n`;
  assertEquals(
    settleNames(text, new Set()),
    "var sums_2;\nfn a() { sums_2; }\nfn b(sums) { sums_2; }\n",
  );
});

Deno.test("a field is unlike a word of the language", () => {
  const keywords = new Set(["filter"]);
  assertEquals(["filter", "ratio"].map((name) => fieldName(name, keywords)), ["filter_", "ratio"]);
});
