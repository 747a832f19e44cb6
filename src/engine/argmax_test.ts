import { assertEquals } from "@std/assert";
import { argMaxReference } from "../reference/arg_max.ts";
import { argMaxRows } from "../../tests/_arg_max.ts";
import { argmax } from "./argmax.ts";

Deno.test("argmax: the reference's places, ties, infinities and NaN included", () => {
  for (const row of argMaxRows().flat()) {
    assertEquals(argmax(Float32Array.from(row)), argMaxReference(row), String(row.slice(0, 20)));
  }
});
