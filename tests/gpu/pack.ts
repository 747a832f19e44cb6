/**
 * Pack kernels of every storage type on a GPU: the bytes that the same kernels give on the CPU, which are
 * held to the author's functions elsewhere.
 */

import { assertEquals } from "@std/assert";
import { packedBytes, PACKINGS, STORAGE } from "../../src/core/mod.ts";
import type { Storage } from "../../src/dsl/storage.ts";
import { packKernel } from "../../src/engine/weights.ts";
import { randomFrom, runNamed as runOnCpu } from "../_kernel.ts";
import { gpuTest, runNamed, sources } from "../_gpu.ts";

/** Whole groups and a short one; heads in the file's order and to be put in half-split order. */
const SHAPES = [
  { nOut: 32, nIn: 256, headDim: 0 },
  { nOut: 21, nIn: 512, headDim: 0 },
  { nOut: 48, nIn: 256, headDim: 24 },
  // Every other group is another matrix's.
  { nOut: 37, nIn: 256, headDim: 0, groupStep: 2 },
] as const;

/** Every storage type of kernels/storage/. */
export const storages = sources.flatMap(({ definition }) =>
  definition.kind === "storage" ? [definition as Storage] : []
);

/** A matrix of random bytes: every byte of what is packed. */
export async function assertPacked(
  { name, packing }: Storage,
  { nOut, nIn, headDim, groupStep = 1 }: {
    readonly nOut: number;
    readonly nIn: number;
    readonly headDim: number;
    readonly groupStep?: number;
  },
): Promise<void> {
  const { blockValues, blockBytes } = STORAGE[name];
  const random = randomFrom(nOut);
  // Exponents of halves and f32 are not all ones: the second highest bit of odd bytes is clear.
  const src = Uint8Array.from(
    { length: nOut * nIn / blockValues * blockBytes },
    (_, i) => Math.floor((random() + 1) * 128) & (i % 2 === 1 ? 0xbf : 0xff),
  );
  // One group before and one behind, which must stay.
  const bytes = packedBytes(PACKINGS[packing], groupStep * nOut + 32, nIn);
  const run = {
    buffers: { src, dst: new Uint8Array(bytes).fill(0xaa) },
    constants: { n_out: nOut, n_in: nIn, head_dim: headDim, dst_group: 1, group_step: groupStep },
  };
  const want = await runOnCpu(packKernel(name), run);
  const got = await runNamed(packKernel(name), run);
  assertEquals(got.dst, want.dst, `${name} ${nOut} × ${nIn}`);
}

for (const storage of storages) {
  gpuTest(`pack ${storage.name} gives the CPU's bytes`, async () => {
    for (const shape of SHAPES) await assertPacked(storage, shape);
  });
}
