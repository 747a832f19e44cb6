/** The head's products that leave the largest of each sixteen outputs, in C, and where a row's largest is. */

import { testIsas } from "../../src/device/testing.ts";
import type { Isa } from "../../src/device/testing.ts";
import { runNamed } from "../_kernel.ts";
import type { RunKernel } from "../_kernel.ts";
import { assertLargest, LARGEST_KERNELS, LARGEST_SHAPES } from "../_largest.ts";

const [best, ...others] = await testIsas();

const on = (isa: Isa): RunKernel => async (name, pool) =>
  await runNamed(name, { ...pool, isa }) as Awaited<ReturnType<RunKernel>>;

for (const { packing, q8 } of LARGEST_KERNELS) {
  const name = `${q8 ? "matmul_q8" : "matmul"}_largest ${packing}`;
  Deno.test(`${name}: the largest of its twin's outputs`, async () => {
    for (const shape of LARGEST_SHAPES) await assertLargest(on(best!), { packing, q8, ...shape });
    await assertLargest(on(best!), { packing, q8, nRows: 257, nIn: 32, nOut: 48 });
  });
}

// How the largest of lanes is found knows nothing of the packed order, nor of the sums.
for (const isa of others) {
  Deno.test(`matmul_largest f32: the largest of its twin's outputs on ${isa}`, async () => {
    for (const shape of LARGEST_SHAPES) {
      await assertLargest(on(isa), { packing: "f32", q8: false, ...shape });
    }
  });
}
