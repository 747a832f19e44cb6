import { assertEquals, assertThrows } from "@std/assert";
import { KerfError } from "../core/error.ts";
import { resolveParams } from "./params.ts";

Deno.test("defaults are filled in and what was given counts", () => {
  const specs = { ratio: { default: 0.5 }, window: { default: 32, integer: true } };
  assertEquals(resolveParams("v", specs, { window: 8 }), { ratio: 0.5, window: 8 });
});

Deno.test("a value out of range is refused with the range in words", () => {
  const refused = (spec: { min?: number; max?: number; integer?: boolean }, value: number) =>
    assertThrows(() => resolveParams("v", { x: { default: 1, ...spec } }, { x: value }), KerfError)
      .message.replace(`Cannot use x=${value} for "v": it must be `, "");
  assertEquals(refused({ min: 0, max: 0.95 }, 2), "a number from 0 to 0.95");
  assertEquals(refused({ min: 1, integer: true }, 0), "a whole number of at least 1");
  assertEquals(refused({ max: 4 }, 5), "a number of at most 4");
  assertEquals(refused({ integer: true }, 1.5), "a whole number");
  assertEquals(refused({}, NaN), "a number");
});
