import { assertEquals, assertThrows } from "@std/assert";
import { packCodes, packValues, unpackWeights } from "./packed.ts";

const ramp = (n: number, f: (i: number) => number) => Array.from({ length: n }, (_, i) => f(i));

Deno.test("packCodes: bytes of q4_f16_g32 by hand", () => {
  // Row 1 of two, one block: scale 2, offset −1, codes 0 … 15 twice.
  const bytes = packCodes("q4_f16_g32", {
    nOut: 2,
    nIn: 32,
    codes: [...ramp(32, () => 0), ...ramp(32, (k) => k % 16)],
    scales: [0, 2],
    offsets: [0, -1],
  });
  assertEquals(bytes.length, 320);
  const view = new DataView(bytes.buffer);
  assertEquals(view.getFloat16(2, true), 2);
  assertEquals(view.getFloat16(32 + 2, true), -1);
  for (let j = 0; j < 16; j++) assertEquals(bytes[64 + 16 * j + 1], j | (j << 4));
});

Deno.test("unpackWeights: gives back what was packed", () => {
  const shape = { nOut: 33, nIn: 64 };
  const n = shape.nOut * shape.nIn;
  const values = ramp(n, (i) => (i % 251 - 125) / 64);
  for (const name of ["f32", "f16", "bf16"] as const) {
    assertEquals(
      Array.from(unpackWeights(name, packValues(name, { ...shape, values }), shape)),
      values,
    );
  }
  for (const name of ["q4_f16_g32", "q8_f32_g32", "q8_f32_g16"] as const) {
    const group = name.endsWith("16") ? 16 : 32;
    const codes = ramp(n, (i) => (i * 7) % (name.startsWith("q4") ? 16 : 256));
    const scales = ramp(n / group, (i) => (i + 1) / 8);
    const offsets = ramp(n / group, (i) => -i / 4);
    const packed = packCodes(name, { ...shape, codes, scales, offsets });
    const want = codes.map((code, i) => {
      const g = Math.floor(i / group);
      return scales[g]! * code + offsets[g]!;
    });
    assertEquals(Array.from(unpackWeights(name, packed, shape)), want);
  }
});

Deno.test("packing: values are not codes", () => {
  const none = { nOut: 1, nIn: 32, values: [], codes: [], scales: [], offsets: [] };
  assertThrows(() => packValues("q4_f16_g32", none), TypeError, "it has codes");
  assertThrows(() => packCodes("bf16", none), TypeError, "it has none");
});
