/** The head's products that leave the largest of each sixteen outputs, on a GPU, and where a row's largest is. */

import { gpuTest, runNamed } from "../_gpu.ts";
import { assertLargest, LARGEST_KERNELS, LARGEST_SHAPES } from "../_largest.ts";

for (const { packing, q8 } of LARGEST_KERNELS) {
  if (q8) continue;
  gpuTest(`matmul_largest ${packing} leaves the largest of its twin's outputs`, async () => {
    for (const shape of LARGEST_SHAPES) await assertLargest(runNamed, { packing, q8, ...shape });
  });
}
