import { assertEquals, assertThrows } from "@std/assert";
import type { Signature } from "../../core/signature.ts";
import { packConstants } from "./constants.ts";

const signature: Signature = {
  name: "toy",
  bindings: [],
  constants: [
    { name: "n", dtype: "u32" },
    { name: "shift", dtype: "i32" },
    { name: "eps", dtype: "f32" },
  ],
  defines: [],
};

Deno.test("packConstants: four bytes each in the signature's order, padded to 16", () => {
  const bytes = packConstants(signature, { eps: 0.5, n: 2 ** 32 - 1, shift: -2 });
  assertEquals(bytes.length, 16);
  assertEquals([...new Uint32Array(bytes.buffer)], [2 ** 32 - 1, 2 ** 32 - 2, 0x3f000000, 0]);
});

Deno.test("packConstants: a missing value is an error that names it", () => {
  assertThrows(
    () => packConstants(signature, { n: 1, eps: 1 }),
    TypeError,
    'constant "shift" has no value',
  );
});
