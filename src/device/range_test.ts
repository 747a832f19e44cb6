import { assertEquals, assertThrows } from "@std/assert";
import { checkRange, checkSize } from "./range.ts";

Deno.test("a size is a whole number of bytes, a range lies in its buffer", () => {
  for (const bytes of [0, 1, 2 ** 40]) checkSize(bytes, "b");
  for (const bytes of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
    assertThrows(() => checkSize(bytes, "b"), RangeError, `"b": ${bytes} is no number of bytes`);
  }
  const buffer = { label: "b", bytes: 16 };
  assertEquals([checkRange(buffer, 0, 16), checkRange(buffer, 16, 0)], [16, 16]);
  for (const [offset, bytes] of [[8, 9], [-1, 4], [4, -1], [0.5, 4], [0, NaN]] as const) {
    const message = `bytes ${offset} to ${offset + bytes} of buffer "b": it has 16`;
    assertThrows(() => checkRange(buffer, offset, bytes), RangeError, message);
  }
});
