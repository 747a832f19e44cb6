/** Queries that turn back where rows leave, on a GPU. */

import { gpuTest, modelSizeTest, runPicked } from "../_gpu.ts";
import { checkTurned } from "../_turned_queries.ts";

gpuTest("queries turn back by as many places as rows leave before them", async () => {
  for (const window of [1, 33]) {
    await checkTurned({ rows: [127, 31], group: 4, headDim: 48, window, behind: 7 }, runPicked);
  }
  const small = { rows: [1], group: 1, headDim: 16, window: 5, behind: 0 };
  await checkTurned(small, runPicked);
});

modelSizeTest("queries turn back, of thousands of rows", async () => {
  const model = { rows: [2000, 1999, 1024], group: 3, headDim: 64, window: 64, behind: 0 };
  await checkTurned(model, runPicked);
});
