/** How many scores are enough on a GPU: the reference's counts, whatever the order of sums. */

import { gpuTest, modelSizeTest, runPicked } from "../_gpu.ts";
import { checkCounts } from "../_counts.ts";

gpuTest("counts of what is enough are the reference's", async () => {
  await checkCounts([1, 4, 31, 33, 300], runPicked);
});

modelSizeTest("counts of what is enough, of thousands", async () => {
  await checkCounts([5000], runPicked);
});
