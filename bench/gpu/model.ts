/** A whole model with random weights, end to end: prefill and decoding at two depths, dense and pruned. */

import { checkModel, runOnce } from "../../src/cli/bench/measure.ts";
import type { BenchSample, BenchTest } from "../../src/cli/bench/measure.ts";
import type { Device } from "../../src/device/mod.ts";
import { randomModel } from "./random_model.ts";
import type { BenchShape, BenchSizes } from "./shapes.ts";
import { median, wallMs } from "./time.ts";

/** One test of one model. */
export interface ModelResult extends BenchTest {
  readonly shape: string;
  readonly prune: string;
  /** Medians of the timed runs. */
  readonly ms: number;
  readonly tokensPerSecond: number;
  readonly kv: BenchSample["kv"];
}

/** All tests of one model under one pruning spec. */
export interface ModelResults {
  readonly loadMs: number;
  readonly results: readonly ModelResult[];
}

/**
 * Measures a model.
 *
 * @throws {Error} prefill and decoding disagree, or a logit is not finite
 * @throws {KerfError} the device has not enough memory
 */
export async function measureModel(
  open: () => Promise<Device>,
  shape: BenchShape,
  { prune, sizes }: { prune: string; sizes: BenchSizes },
): Promise<ModelResults> {
  const { nPrompt, nGen, nDepth, nRuns } = sizes;
  const nCtx = Math.min(shape.config.nCtx, nDepth + Math.max(nPrompt, nGen));
  const device = await open();
  try {
    let model!: Awaited<ReturnType<typeof randomModel>>;
    const loadMs = await wallMs(async () => {
      model = await randomModel(device, shape, { prune, nCtx, parallel: 1 });
      await checkModel(model);
    });
    const results: ModelResult[] = [];
    for (const test of testsOf({ nPrompt, nGen, nDepth })) {
      // One that is not counted: kernels are loaded and memory is touched.
      await runOnce(model, { ...test, nDepth: 0 });
      const samples: BenchSample[] = [];
      for (let i = 0; i < nRuns; i++) samples.push(await runOnce(model, test));
      results.push({
        ...{ shape: shape.name, prune, ...test, kv: samples[0]!.kv },
        ms: median(samples.map((sample) => sample.ms)),
        tokensPerSecond: median(samples.map((sample) => sample.tokensPerSecond)),
      });
    }
    return { loadMs, results };
  } finally {
    device.close();
  }
}

const testsOf = (sizes: Pick<BenchSizes, "nPrompt" | "nGen" | "nDepth">): BenchTest[] => [
  { nPrompt: sizes.nPrompt, nGen: 0, nDepth: 0, nParallel: 1 },
  { nPrompt: 0, nGen: sizes.nGen, nDepth: 0, nParallel: 1 },
  { nPrompt: 0, nGen: sizes.nGen, nDepth: sizes.nDepth, nParallel: 1 },
];
