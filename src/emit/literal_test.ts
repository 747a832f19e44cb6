import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { f32Digits, i32Digits } from "./literal.ts";

Deno.test("f32 literals keep a point or an exponent and no needless digit", () => {
  assertEquals([1, 0, -0, 0.1, 1e-5, 16777216, -2.5].map(f32Digits), [
    ...["1.0", "0.0", "-0.0", "0.1", "0.00001", "16777216.0", "-2.5"],
  ]);
  assertEquals(f32Digits(Math.fround(1 / 3)), "0.33333334");
  assertEquals(f32Digits(1.401298464324817e-45), "1e-45");
  assertEquals(f32Digits(3.4028234663852886e38), "3.4028235e+38");
});

Deno.test("any finite f32 reads back as itself", () => {
  fc.assert(
    fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (x) => {
      assert(Object.is(Math.fround(Number(f32Digits(x))), x));
      assert(/[.e]/.test(f32Digits(x)));
    }),
    { seed: 1, numRuns: 2000 },
  );
});

Deno.test("what no f32 or i32 literal can be is an error", () => {
  for (const x of [NaN, Infinity, -Infinity, 1e39]) assertThrows(() => f32Digits(x), RangeError);
  for (const x of [0.5, 2 ** 31]) assertThrows(() => i32Digits(x), RangeError);
});

Deno.test("large i32 literals are bits", () => {
  assertEquals([7, -65535, 65536, -1640531535, -(2 ** 31)].map(i32Digits), [
    ...["7", "-65535", "0x10000", "0x9e3779b1", "0x80000000"],
  ]);
});
