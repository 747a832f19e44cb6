import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { KerfError } from "../core/error.ts";
import { llamaConfig } from "./config.ts";
import { readGguf } from "./gguf.ts";
import { llamaTensors } from "./llama_tensors.ts";
import { readRopeFactors, ropeTable } from "./rope_table.ts";
import { tinyModel } from "./testing.ts";
import { testFolder } from "./testing_files.ts";

const config = { headDim: 64, ropeBase: 100000, ropeScale: 1 };

Deno.test("ropeTable holds cosines, then sines, each rounded once", () => {
  const table = ropeTable(config, { nCtx: 8192 });
  assertEquals(table.length, 8192 * 64);
  for (const position of [0, 1, 33, 8191]) {
    for (const i of [0, 1, 17, 31]) {
      const angle = position * Math.pow(100000, -2 * i / 64);
      assertEquals(table[position * 64 + i], Math.fround(Math.cos(angle)));
      assertEquals(table[position * 64 + 32 + i], Math.fround(Math.sin(angle)));
    }
  }
});

Deno.test("ropeTable divides frequencies by the factors and positions by the scale", () => {
  const factors = Array.from({ length: 32 }, (_, i) => 1 + i / 4);
  const plain = ropeTable(config, { nCtx: 65 });
  const scaled = ropeTable({ ...config, ropeScale: 4 }, { nCtx: 65 });
  assertEquals(scaled.subarray(64 * 64), plain.subarray(16 * 64, 17 * 64));
  const table = ropeTable(config, { nCtx: 10, factors });
  const angle = 9 * Math.pow(100000, -2 * 5 / 64) / 2.25;
  assertEquals(table[9 * 64 + 5], Math.fround(Math.cos(angle)));
  assertThrows(() => ropeTable(config, { nCtx: 2, factors: [1] }), RangeError, "from 1 factors");
});

Deno.test("readRopeFactors reads the file's factors and refuses damaged ones", async () => {
  await using folder = await testFolder();
  const factorsOf = async (ropeFactors: number[]) => {
    const gguf = await readGguf(await folder.write("a.gguf", tinyModel({ ropeFactors })));
    return await readRopeFactors(gguf, llamaTensors(gguf, llamaConfig(gguf)).ropeFactors!);
  };
  const factors = Array.from({ length: 16 }, (_, i) => 1 + i / 2);
  assertEquals([...await factorsOf(factors)], factors);
  for (const bad of [0, -1, NaN, Infinity]) {
    const damaged = factors.with(3, bad);
    await assertRejects(() => factorsOf(damaged), KerfError, `factor 3 is ${bad}`);
  }
});
