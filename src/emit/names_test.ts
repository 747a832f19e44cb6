import { assertEquals } from "@std/assert";
import { createScope, snakeCase } from "./names.ts";

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
