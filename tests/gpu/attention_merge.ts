/** Partial softmaxes of any number of splits, held to the CPU's merge. */

import { assertClose } from "../_close.ts";
import { gpu, gpuTest, runNamed } from "../_gpu.ts";
import { randomFrom, runNamed as runOnCpu } from "../_kernel.ts";

gpuTest("attention_merge joins any number of partial softmaxes as the CPU does", async () => {
  for (const [kernel, headDim] of [["attention_merge", 80], ["attention_merge_turned", 128]]) {
    await assertMerge(kernel as string, headDim as number);
  }
});

async function assertMerge(kernel: string, headDim: number): Promise<void> {
  const nHeads = 3;
  const random = randomFrom(5);
  for (const nSplits of [1, 2, 63, 64, 65, 200]) {
    // The largest logits rise and fall; some splits saw no key, some lie far below.
    const partials = Float32Array.from({ length: nHeads * nSplits * (headDim + 16) }, (_, i) => {
      const [c, split] = [i % (headDim + 16), Math.floor(i / (headDim + 16))];
      const empty = split % 5 === 2;
      if (c < headDim) return empty ? 0 : 20 * random();
      if (c === headDim) return empty ? -1e30 : 9 * random() - (split % 11 === 3 ? 200 : 0);
      return empty ? 0 : 40 * (random() + 1);
    });
    const run = {
      buffers: {
        partials,
        decode_rows: Uint32Array.of(0),
        out: new Float32Array(nHeads * headDim).fill(NaN),
      },
      constants: { n_heads: nHeads, out_stride: nHeads * headDim },
      defines: { HEAD_DIM: headDim },
      step: { nRows: 1, nSeqs: 1, nDecode: 1, nSplits },
    };
    const want = await runOnCpu(kernel, run);
    const { out } = await runNamed(kernel, run);
    // Two roundings a split of what is at most 20, and WGSL's exponentials.
    const bound = gpu().exact ? 0 : 20 * (2 * nSplits + 32) * 2 ** -24;
    // Turned back, a channel is a sum of all over √headDim.
    const meets = kernel === "attention_merge" ? 1 : Math.sqrt(headDim);
    assertClose(out, want.out!, { bound: meets * bound, label: `${kernel}, ${nSplits} splits` });
  }
}
