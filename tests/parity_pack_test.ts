/**
 * Pack kernels of every storage type, to the byte, against a loop over the author's functions; and the
 * embedding gather of every packed order, to the bit, against the same weights read one at a time.
 */

import { assertEquals } from "@std/assert";
import { PACKINGS, STORAGE } from "../src/core/mod.ts";
import type { PackingName } from "../src/core/mod.ts";
import type { Storage } from "../src/dsl/storage.ts";
import { testIsas } from "../src/device/testing.ts";
import type { Isa } from "../src/device/testing.ts";
import { packKernel } from "../src/engine/weights.ts";
import { loadSources } from "../src/emit/sources.ts";
import { authorRunner, packCodes, packValues, unpackWeights } from "../src/reference/mod.ts";
import { projectRoot } from "../src/sys/cache_dir.ts";
import { randomFrom, runNamed } from "./_kernel.ts";

const { sources } = await loadSources(projectRoot());
const storages = sources.flatMap(({ definition }) =>
  definition.kind === "storage" ? [definition as Storage] : []
);
const [best, ...others] = await testIsas();

/** Lesser instruction sets differ in how halves and bytes are read: one order of each kind shows that. */
const isasOf = (packing: PackingName): Isa[] =>
  ["f16", "bf16", "q4_f16_g32", "q8_f32_g16"].includes(packing) ? [best!, ...others] : [best!];

const bits = new DataView(new ArrayBuffer(4));

/** The value that a plain type's bits stand for. */
function valueOfBits(code: number, element: string): number {
  bits.setInt32(0, element === "f32" ? code : code << 16);
  return element === "f16" ? bits.getFloat16(0) : bits.getFloat32(0);
}

/** A tensor of random blocks whose halves, where scales lie, are finite and no NaN. */
function randomTensor({ name }: Storage, nOut: number, nIn: number, seed: number): Uint8Array {
  const { blockValues, blockBytes } = STORAGE[name];
  const random = randomFrom(seed);
  // The exponent of a half or f32 is never all ones while the second highest bit of odd bytes is clear.
  const byte = (i: number) => Math.floor((random() + 1) * 128) & (i % 2 === 1 ? 0xbf : 0xff);
  return Uint8Array.from({ length: nOut * nIn / blockValues * blockBytes }, (_, i) => byte(i));
}

/** The packed bytes by the author's functions, output row by output row. */
function packReference(storage: Storage, src: Uint8Array, shape: Shape): Uint8Array {
  const { nOut, nIn, headDim } = shape;
  const { blockValues, blockBytes } = STORAGE[storage.name];
  const { group, codes, scaleType } = PACKINGS[storage.packing];
  const fileRow = (row: number) => {
    if (headDim === 0) return row;
    const [head, c] = [Math.floor(row / headDim), row % headDim];
    return head * headDim + 2 * (c % (headDim / 2)) + Math.floor(c / (headDim / 2));
  };
  const hook = (path: string) => {
    const run = authorRunner(storage, path);
    return (row: number, k: number) => {
      const block = (fileRow(row) * nIn + k - k % blockValues) / blockValues * blockBytes;
      return run(src.subarray(block, block + blockBytes), k % blockValues)[0] as number;
    };
  };
  const all = (path: string, every: number) => {
    const run = hook(path);
    return Array.from(
      { length: nOut * nIn / every },
      (_, i) => run(Math.floor(i * every / nIn), i * every % nIn),
    );
  };
  if (scaleType === null) {
    const values = all("code", 1).map((code) => valueOfBits(code, codes));
    return packValues(storage.packing, { nOut, nIn, values });
  }
  return packCodes(storage.packing, {
    ...{ nOut, nIn, codes: all("code", 1) },
    ...{ scales: all("scale", group), offsets: all("offset", group) },
  });
}

interface Shape {
  readonly nOut: number;
  readonly nIn: number;
  readonly headDim: number;
}

/** Whole groups and a short one; heads in the file's order and to be put in half-split order. */
const SHAPES: readonly Shape[] = [
  { nOut: 32, nIn: 256, headDim: 0 },
  { nOut: 21, nIn: 512, headDim: 0 },
  { nOut: 48, nIn: 256, headDim: 24 },
];

async function assertPack(storage: Storage, shape: Shape, isa: Isa): Promise<void> {
  const { nOut, nIn, headDim } = shape;
  const src = randomTensor(storage, nOut, nIn, nOut);
  const expected = packReference(storage, src, shape);
  const groupBytes = expected.length / Math.ceil(nOut / 16);
  const dst = new Uint8Array(expected.length + 2 * groupBytes).fill(0xaa);
  const written = await runNamed(packKernel(storage.name), {
    buffers: { src, dst },
    constants: { n_out: nOut, n_in: nIn, head_dim: headDim, dst_group: 1 },
    isa,
  });
  const whole = written.dst!;
  const about = `${storage.name} ${isa} ${JSON.stringify(shape)}`;
  assertEquals(whole.slice(groupBytes, -groupBytes), expected, about);
  const outside = [...whole.slice(0, groupBytes), ...whole.slice(-groupBytes)];
  assertEquals(outside.every((byte) => byte === 0xaa), true, `${about}: wrote outside its groups`);
}

for (const storage of storages) {
  for (const isa of isasOf(storage.packing)) {
    Deno.test(`pack ${storage.name}: the author's functions' bytes (${isa})`, async () => {
      for (const shape of SHAPES) await assertPack(storage, shape, isa);
    });
  }
}

for (const packing of Object.keys(PACKINGS) as PackingName[]) {
  for (const isa of isasOf(packing)) {
    Deno.test(`embedding ${packing}: the packed values, rounded once (${isa})`, async () => {
      const storage = storages.find((s) => s.packing === packing);
      const [nOut, nIn] = [40, 256];
      const random = randomFrom(7);
      const weight = storage
        ? packReference(storage, randomTensor(storage, nOut, nIn, 3), { nOut, nIn, headDim: 0 })
        : packCodes(packing, {
          ...{ nOut, nIn },
          codes: Array.from({ length: nOut * nIn }, () => Math.floor((random() + 1) * 8)),
          scales: Array.from({ length: nOut * nIn / 32 }, random),
          offsets: Array.from({ length: nOut * nIn / 32 }, random),
        });
      const values = unpackWeights(packing, weight as Uint8Array<ArrayBuffer>, { nOut, nIn });
      const tokens = Uint32Array.of(0, 39, 15, 16, 15, 31);
      const stride = nIn + 9;
      const { y } = await runNamed(`embedding__${packing}`, {
        buffers: { tokens, weight, y: new Float32Array(tokens.length * stride).fill(-7) },
        constants: { width: nIn, y_stride: stride },
        step: { nRows: tokens.length },
        isa,
      });
      tokens.forEach((token, r) => {
        const row = y!.slice(r * stride, r * stride + nIn);
        assertEquals(row, values.slice(token * nIn, (token + 1) * nIn), `token ${token}`);
        assertEquals(y!.slice(r * stride + nIn, (r + 1) * stride), new Float32Array(9).fill(-7));
      });
    });
  }
}
