/** Rows in blocks on a GPU, held to the references. */

import { checkBlocks } from "../_blocks.ts";
import { gpuTest, modelSizeTest, runPicked } from "../_gpu.ts";

gpuTest("blocks of rows score and stay as the references say", async () => {
  await checkBlocks({ rows: [1, 33, 127], block: 3, kind: "max", first: 0, last: 0 }, runPicked);
  await checkBlocks({ rows: [6, 300, 129], block: 16, kind: "mean", first: 3, last: 5 }, runPicked);
});

modelSizeTest("blocks of rows, of thousands", async () => {
  const model = { rows: [2000, 1999, 1024], first: 4, last: 32 };
  await checkBlocks({ ...model, block: 64, kind: "mean" }, runPicked);
});
