/**
 * The benchmark of a GPU, without a model and without a network: a measured copy, decode attention over long
 * caches, models of random weights end to end. Prints as it goes, and writes one JSON file anew with every
 * result. A thing that the GPU has no memory for is left out by name; a wrong result ends it, and the file
 * keeps what was measured until then.
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
import type { BenchShape, BenchSizes } from "./shapes.ts";

/** The JSON file. Times are milliseconds; bench/README.md says how to read it. */
export interface GpuReport {
  readonly schema: 1;
  readonly commit: string;
  readonly date: string;
  readonly device: string;
  /** What ended the benchmark before its end; null when nothing did, `unfinished` while it runs. */
  readonly failed: { readonly what: string; readonly why: string } | "unfinished" | null;
  readonly copy: CopyResult | null;
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
  /** Called with all there is so far, whenever there is more, and at last also when it failed. */
  readonly save: (report: GpuReport) => Promise<void>;
}

const gigabytes = (bytesPerSecond: number) => `${(bytesPerSecond / 1e9).toFixed(1)} GB/s`;

/** Anything else is a wrong result, a kernel that fails, or a bug. */
const lacksMemory = (error: unknown): error is KerfError =>
  error instanceof OutOfMemory ||
  (error instanceof CudaError && error.code === CUDA.ERROR_OUT_OF_MEMORY);

/** Runs the benchmark. @throws {Error} a result is wrong, or a kernel failed; `failed` says it too */
export async function gpuBench(options: GpuBenchOptions): Promise<GpuReport> {
  const { commit, save } = options;
  let report: GpuReport = {
    ...{ schema: 1, commit, date: new Date().toISOString(), device: "", failed: "unfinished" },
    ...{ copy: null, attention: [], models: [], skipped: [] },
  };
  let doing = "the copy";
  const add = async (more: Partial<GpuReport>) => await save(report = { ...report, ...more });
  const measure: Measure = {
    ...options,
    add,
    report: () => report,
    async attempt(what, run) {
      doing = what;
      try {
        return await run();
      } catch (error) {
        if (!lacksMemory(error)) throw error;
        options.print(`${what}: left out: ${error.message}`);
        await add({ skipped: [...report.skipped, { what, why: error.message }] });
      }
    },
  };
  try {
    await measureMemory(measure);
    for (const shape of options.sizes.shapes) {
      await measureCaches(shape, measure);
      await measureModels(shape, measure);
    }
    await add({ failed: null });
    return report;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    await add({ failed: { what: doing, why } });
    throw error;
  }
}

/** What every section needs. */
interface Measure extends GpuBenchOptions {
  /** Adds to the report, and saves it. */
  readonly add: (more: Partial<GpuReport>) => Promise<void>;
  readonly report: () => GpuReport;
  /** Runs what the GPU may lack memory for. */
  readonly attempt: <T>(what: string, run: () => Promise<T>) => Promise<T | undefined>;
}

async function measureMemory({ open, sizes, add, print }: Measure): Promise<void> {
  const device = await open();
  try {
    const copy = await measureCopy(device, { bytes: sizes.copyBytes, nRuns: sizes.nRuns });
    await add({ device: device.name, copy });
    print(`${device.name}\ncopy: ${gigabytes(copy.bytesPerSecond)}`);
  } finally {
    device.close();
  }
}

async function measureCaches(shape: BenchShape, measure: Measure): Promise<void> {
  const { open, sizes, add, report, attempt, print } = measure;
  const { nRuns, readBytes } = sizes;
  for (const context of sizes.contexts) {
    for (const ratio of sizes.ratios) {
      const what = `${shape.name}, decode attention at ${context}, ratio ${ratio}`;
      const result = await attempt(
        what,
        () => measureAttention(open, shape, { context, ratio, readBytes, nRuns }),
      );
      if (result === undefined) continue;
      const { copy, attention } = report();
      const ofCopy = result.bytesPerSecond / copy!.bytesPerSecond;
      await add({ attention: [...attention, { ...result, ofCopy }] });
      print(
        `${what}: ${(1000 * result.ms).toFixed(1)} µs a layer, ` +
          `${gigabytes(result.bytesPerSecond)}, ${(100 * ofCopy).toFixed(0)} % of the copy`,
      );
    }
  }
}

async function measureModels(shape: BenchShape, measure: Measure): Promise<void> {
  const { open, sizes, add, report, attempt, print } = measure;
  for (const prune of ["none", "think:ratio=0.5"]) {
    const what = `${shape.name}, --prune ${prune}`;
    const measured = await attempt(what, () => measureModel(open, shape, { prune, sizes }));
    if (measured === undefined) continue;
    await add({ models: [...report().models, ...measured.results] });
    for (const { nPrompt, nGen, nDepth, tokensPerSecond } of measured.results) {
      const test = nPrompt > 0 ? `prefill ${nPrompt}` : `decode ${nGen} at ${nDepth}`;
      print(`${what}, ${test}: ${tokensPerSecond.toFixed(1)} tokens/s`);
    }
  }
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
    const out = args["out"] as string;
    await gpuBench({
      open,
      sizes: args["tiny"] ? TINY : FULL,
      commit: args["commit"] as string,
      print: (line) => console.log(line),
      save: (report) => Deno.writeTextFile(out, JSON.stringify(report, null, 2) + "\n"),
    });
    console.log(`written: ${out}`);
  } catch (error) {
    if (!(error instanceof KerfError)) throw error;
    console.error(error.render());
    Deno.exit(error.exitCode);
  }
}
