/**
 * The storage types in kernels/storage/ against the Python package gguf: the same random blocks (see
 * data/make_storage.py) give the same f32 values, bit for bit but for the sign of zero.
 *
 * Bit for bit is fair: a half times a 6- or 8-bit scale times a code has at most 25 bits, a sum of two
 * such is exact in f64, so both sides round the same exact number to f32 once. Only zeros differ:
 * d · (q − 8) may be −0 where d · q − 8 · d is +0.
 */

import { assert, assertEquals } from "@std/assert";
import { PACKINGS, STORAGE } from "../src/core/mod.ts";
import type { StorageName } from "../src/core/mod.ts";
import { f16ToF32 } from "../src/dsl/bits.ts";
import type { Storage } from "../src/dsl/storage.ts";

interface Fixture {
  readonly types: Record<string, { readonly bytes: string; readonly values: string }>;
}

const fixture: Fixture = JSON.parse(
  await Deno.readTextFile(new URL("data/storage.json", import.meta.url)),
);

type BlockHook = (block: Uint8Array, i: number) => number;

/** A definition's function by its name. */
function hookOf(storage: Storage, path: string): BlockHook | undefined {
  return storage.hooks.find((hook) => hook.path === path)?.run as unknown as BlockHook | undefined;
}

const scratch = new DataView(new ArrayBuffer(4));

/** A plain type's bits as the f32 they stand for. */
function plainValue(packing: Storage["packing"], bits: number): number {
  if (packing === "f16") return f16ToF32(bits);
  scratch.setInt32(0, packing === "bf16" ? bits << 16 : bits);
  return scratch.getFloat32(0);
}

function valueOf(storage: Storage, block: Uint8Array, i: number): number {
  const code = hookOf(storage, "code")!(block, i);
  const scale = hookOf(storage, "scale")?.(block, i);
  const offset = hookOf(storage, "offset")?.(block, i);
  if (scale === undefined || offset === undefined) return plainValue(storage.packing, code);
  return Math.fround(scale * code + offset);
}

const folder = new URL("../kernels/storage/", import.meta.url);
const storages: Storage[] = [];
for (const { name } of Deno.readDirSync(folder)) {
  if (name.endsWith(".ts") && !name.startsWith("_")) {
    storages.push((await import(new URL(name, folder).href)).default);
  }
}

Deno.test("kernels/storage declares every storage type that GGUF files may use", () => {
  assertEquals(storages.map((s) => s.name).sort(), Object.keys(STORAGE).sort());
  assertEquals(Object.keys(fixture.types).sort(), Object.keys(STORAGE).sort());
});

for (const storage of storages) {
  const { blockValues, blockBytes } = STORAGE[storage.name as StorageName];
  const { bytes: hex, values: valuesHex } = fixture.types[storage.name]!;
  const bytes = Uint8Array.fromHex(hex);
  const expected = new Float32Array(Uint8Array.fromHex(valuesHex).buffer);
  const nBlocks = bytes.length / blockBytes;
  const blockAt = (n: number) => bytes.subarray(n * blockBytes, (n + 1) * blockBytes);

  Deno.test(`${storage.name} dequantises as the Python package gguf does`, () => {
    assertEquals(expected.length, nBlocks * blockValues);
    for (let n = 0; n < nBlocks; n++) {
      for (let i = 0; i < blockValues; i++) {
        const got = valueOf(storage, blockAt(n), i);
        const want = expected[n * blockValues + i]!;
        // === takes +0 and −0 as equal, as the header says, and no NaN as equal.
        assert(got === want, `block ${n}, value ${i}: ${got}, not ${want}`);
      }
    }
  });

  const packing = PACKINGS[storage.packing];
  if (packing.scaleType === null) continue;
  Deno.test(`${storage.name} fits its packing ${packing.name} without rounding`, () => {
    const nCodes = packing.codes === "u4" ? 16 : 256;
    const round = packing.scaleType === "f16" ? Math.f16round : Math.fround;
    const hooks = ["scale", "offset"].map((path) => hookOf(storage, path)!);
    for (let n = 0; n < nBlocks; n++) {
      for (let i = 0; i < blockValues; i++) {
        const code = hookOf(storage, "code")!(blockAt(n), i);
        assert(Number.isInteger(code) && code >= 0 && code < nCodes, `code ${code}`);
        for (const hook of hooks) {
          const value = hook(blockAt(n), i);
          assertEquals(value, round(value));
          assertEquals(value, hook(blockAt(n), i - i % packing.group), "one scale per group");
        }
      }
    }
  });
}
