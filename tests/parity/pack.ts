/**
 * Pack kernels of every storage type, to the byte, against a loop over the author's functions and over
 * the interpreter: what they compute is stored in f32 or coarser, so f32 loses nothing.
 */

import { assertEquals } from "@std/assert";
import { STORAGE } from "../../src/core/mod.ts";
import type { PackingName } from "../../src/core/mod.ts";
import type { Storage } from "../../src/dsl/storage.ts";
import { testIsas } from "../../src/device/testing.ts";
import type { Isa } from "../../src/device/testing.ts";
import { packKernel } from "../../src/engine/weights.ts";
import { loadSources } from "../../src/emit/sources.ts";
import type { KernelSource } from "../../src/emit/types.ts";
import { packReference } from "../../src/reference/mod.ts";
import { projectRoot } from "../../src/sys/cache_dir.ts";
import { bothHooks } from "../_hooks.ts";
import { randomFrom, runNamed } from "../_kernel.ts";

const { sources } = await loadSources(projectRoot());
const storages = sources.filter((s) => s.definition.kind === "storage");
const [best, ...others] = await testIsas();

/** Lesser instruction sets differ in how halves and bytes are read: one order of each kind shows that. */
const isasOf = (packing: PackingName): Isa[] =>
  ["f16", "bf16", "q4_f16_g32", "q8_f32_g16"].includes(packing) ? [best!, ...others] : [best!];

/** A tensor of random blocks whose halves, where scales lie, are finite and no NaN. */
function randomTensor({ name }: Storage, { nOut, nIn }: Shape): Uint8Array<ArrayBuffer> {
  const { blockValues, blockBytes } = STORAGE[name];
  const random = randomFrom(nOut);
  // The exponent of a half or f32 is never all ones while the second highest bit of odd bytes is clear.
  const byte = (i: number) => Math.floor((random() + 1) * 128) & (i % 2 === 1 ? 0xbf : 0xff);
  return Uint8Array.from({ length: nOut * nIn / blockValues * blockBytes }, (_, i) => byte(i));
}

interface Shape {
  readonly nOut: number;
  readonly nIn: number;
  readonly headDim: number;
  /** 2: every other group is another matrix's. */
  readonly groupStep: 1 | 2;
}

/** Whole groups and a short one; heads in the file's order and to be put in half-split order; a gate. */
const SHAPES: readonly Shape[] = [
  { nOut: 32, nIn: 256, headDim: 0, groupStep: 1 },
  { nOut: 21, nIn: 512, headDim: 0, groupStep: 1 },
  { nOut: 48, nIn: 256, headDim: 24, groupStep: 1 },
  { nOut: 37, nIn: 256, headDim: 0, groupStep: 2 },
];

async function assertPack(source: KernelSource, shape: Shape, isa: Isa): Promise<void> {
  const storage = source.definition as Storage;
  const { nOut, nIn, headDim, groupStep } = shape;
  const src = randomTensor(storage, shape);
  const [expected, interpreted] = bothHooks(source).map((hooks) =>
    packReference(storage, { ...shape, blocks: src, hooks })
  ) as [Uint8Array, Uint8Array];
  const nGroups = Math.ceil(nOut / 16);
  const groupBytes = expected.length / nGroups;
  const dst = new Uint8Array(groupStep * expected.length + 2 * groupBytes).fill(0xaa);
  const written = await runNamed(packKernel(storage.name), {
    buffers: { src, dst },
    constants: { n_out: nOut, n_in: nIn, head_dim: headDim, dst_group: 1, group_step: groupStep },
    isa,
  });
  const whole = written.dst!;
  const about = `${storage.name} ${isa} ${JSON.stringify(shape)}`;
  assertEquals(interpreted, expected, `${about}: the interpreter`);
  const groups = Array.from(
    { length: whole.length / groupBytes },
    (_, g) => whole.slice(g * groupBytes, (g + 1) * groupBytes),
  );
  const isOwn = (g: number) => (g - 1) % groupStep === 0 && g >= 1 && g <= groupStep * nGroups;
  const own = groups.filter((_, g) => isOwn(g));
  assertEquals(Uint8Array.from(own.flatMap((group) => [...group])), expected, about);
  const outside = groups.filter((_, g) => !isOwn(g));
  const untouched = outside.every((group) => group.every((byte) => byte === 0xaa));
  assertEquals(untouched, true, `${about}: wrote outside its groups`);
}

for (const source of storages) {
  const { name, packing } = source.definition as Storage;
  for (const isa of isasOf(packing)) {
    Deno.test(`pack ${name}: the author's functions' bytes (${isa})`, async () => {
      for (const shape of SHAPES) await assertPack(source, shape, isa);
    });
  }
}
