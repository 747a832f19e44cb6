/**
 * The benchmark of a GPU, without a model and without a network: a measured copy, decode attention over long
 * caches, models of random weights end to end. Prints as it goes and leaves one JSON file. A thing that
 * the GPU has no memory for is left out by name; a wrong result ends it.
 *
 *     deno run -A bench/gpu/main.ts --out gpu.json [--device cuda|webgpu|cpu] [--tiny] [--commit HASH]
 *     deno run -A bench/gpu/main.ts --open      opens the device, says its name and ends
 */

import { parseArgs } from "@std/cli/parse-args";
import { KerfError } from "../../src/core/error.ts";
import { CudaError } from "../../src/device/cuda/error.ts";
import { CUDA } from "../../src/device/cuda/symbols.ts";
import { openDevice, OutOfMemory } from "../../src/device/mod.ts";
import type { Device, DeviceKind } from "../../src/device/mod.ts";
import { measureAttention } from "./attention.ts";
import type { AttentionResult } from "./attention.ts";
import { measureCopy } from "./copy.ts";
import type { CopyResult } from "./copy.ts";
import { measureModel } from "./model.ts";
import type { ModelResult } from "./model.ts";
import { FULL, TINY } from "./shapes.ts";
import type { BenchSizes } from "./shapes.ts";

/** The JSON file. Times are milliseconds; bench/README.md says how to read it. */
export interface GpuReport {
  readonly schema: 1;
  readonly commit: string;
  readonly date: string;
  readonly device: string;
  readonly copy: CopyResult;
  /** `ofCopy`: the bandwidth as a share of the copy's. */
  readonly attention: readonly (AttentionResult & { readonly ofCopy: number })[];
  readonly models: readonly ModelResult[];
  /** What was left out, and why. */
  readonly skipped: readonly { readonly what: string; readonly why: string }[];
}

/** How to run it. */
export interface GpuBenchOptions {
  readonly open: () => Promise<Device>;
  readonly sizes: BenchSizes;
  readonly commit: string;
  readonly print: (line: string) => void;
}

const gigabytes = (bytesPerSecond: number) => `${(bytesPerSecond / 1e9).toFixed(1)} GB/s`;

/** Anything else is a wrong result, a kernel that fails, or a bug. */
const lacksMemory = (error: unknown): error is KerfError =>
  error instanceof OutOfMemory ||
  (error instanceof CudaError && error.code === CUDA.ERROR_OUT_OF_MEMORY);

/** Runs the benchmark. @throws {Error} a result is wrong, or a kernel failed */
export async function gpuBench(options: GpuBenchOptions): Promise<GpuReport> {
  const { open, sizes, commit, print } = options;
  const { nRuns, readBytes } = sizes;
  const skipped: { what: string; why: string }[] = [];
  const attempt = async <T>(what: string, run: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await run();
    } catch (error) {
      if (!lacksMemory(error)) throw error;
      skipped.push({ what, why: error.message });
      print(`${what}: left out: ${error.message}`);
    }
  };

  const first = await open();
  const device = first.name;
  let copy: CopyResult;
  try {
    copy = await measureCopy(first, { bytes: sizes.copyBytes, nRuns });
  } finally {
    first.close();
  }
  print(`${device}\ncopy: ${gigabytes(copy.bytesPerSecond)}`);

  const attention: (AttentionResult & { ofCopy: number })[] = [];
  const models: ModelResult[] = [];
  for (const shape of sizes.shapes) {
    for (const context of sizes.contexts) {
      for (const ratio of sizes.ratios) {
        const what = `${shape.name}, decode attention at ${context}, ratio ${ratio}`;
        const result = await attempt(
          what,
          () => measureAttention(open, shape, { context, ratio, readBytes, nRuns }),
        );
        if (result === undefined) continue;
        const ofCopy = result.bytesPerSecond / copy.bytesPerSecond;
        attention.push({ ...result, ofCopy });
        print(
          `${what}: ${(1000 * result.ms).toFixed(1)} µs a layer, ` +
            `${gigabytes(result.bytesPerSecond)}, ${(100 * ofCopy).toFixed(0)} % of the copy`,
        );
      }
    }
    for (const prune of ["none", "think:ratio=0.5"]) {
      const what = `${shape.name}, --prune ${prune}`;
      const measured = await attempt(what, () => measureModel(open, shape, { prune, sizes }));
      for (const result of measured?.results ?? []) {
        const { nPrompt, nGen, nDepth, tokensPerSecond } = result;
        const test = nPrompt > 0 ? `prefill ${nPrompt}` : `decode ${nGen} at ${nDepth}`;
        models.push(result);
        print(`${what}, ${test}: ${tokensPerSecond.toFixed(1)} tokens/s`);
      }
    }
  }
  const date = new Date().toISOString();
  return { schema: 1, commit, date, device, copy, attention, models, skipped };
}

if (import.meta.main) {
  const args = parseArgs(Deno.args, {
    string: ["device", "out", "commit"],
    boolean: ["tiny", "open"],
    default: { device: "cuda", out: "gpu.json", commit: "unknown" },
  });
  const open = () => openDevice({ kind: args["device"] as DeviceKind });
  try {
    if (args["open"]) {
      const device = await open();
      console.log(device.name);
      device.close();
      Deno.exit(0);
    }
    const report = await gpuBench({
      open,
      sizes: args["tiny"] ? TINY : FULL,
      commit: args["commit"] as string,
      print: (line) => console.log(line),
    });
    await Deno.writeTextFile(args["out"] as string, JSON.stringify(report, null, 2) + "\n");
    console.log(`written: ${args["out"]}`);
  } catch (error) {
    if (!(error instanceof KerfError)) throw error;
    console.error(error.render());
    Deno.exit(error.exitCode);
  }
}
