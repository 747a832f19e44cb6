/**
 * Kernel requests → compute pipelines. A text is compiled once, however many requests and calls name it.
 */

import { KerfError } from "../../core/error.ts";
import type { GridFactor } from "../../core/signature.ts";
import { checkDefines } from "../defines.ts";
import type { CompiledKernel, CompileProgress, KernelRequest } from "../types.ts";
import { createPipeline } from "./shader.ts";
import { completeSource } from "./source.ts";
import { workgroupAssertion } from "./workgroup_memory.ts";

/** A compiled kernel. */
export interface WebgpuKernel extends CompiledKernel {
  readonly pipeline: GPUComputePipeline;
  readonly grid: readonly GridFactor[];
}

/** The compiler of one device. */
export class KernelCompiler {
  readonly #gpu: GPUDevice;
  /** By complete text and what it binds. */
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();

  constructor(gpu: GPUDevice) {
    this.#gpu = gpu;
  }

  /** Compiles all requests side by side; in their order. @throws {KerfError} what one cannot be */
  async compile(
    requests: readonly KernelRequest[],
    onProgress?: (progress: CompileProgress) => void,
  ): Promise<WebgpuKernel[]> {
    const codes = await Promise.all(requests.map((request) => this.#codeOf(request)));
    const keys = requests.map(({ entry }, i) => JSON.stringify([entry.signature, codes[i]]));
    const firsts = [...new Set(keys)].map((key) => [key, keys.indexOf(key)] as const);
    let done = 0;
    await Promise.all(firsts.map(async ([key, i]) => {
      const { signature } = requests[i]!.entry;
      let pipeline = this.#pipelines.get(key);
      if (pipeline === undefined) {
        pipeline = createPipeline(this.#gpu, signature, codes[i]!);
        this.#pipelines.set(key, pipeline);
      }
      await pipeline;
      onProgress?.({ done: ++done, total: firsts.length, name: signature.name });
    }));
    return await Promise.all(requests.map(async ({ entry }, i) =>
      Object.freeze({
        entry,
        pipeline: await this.#pipelines.get(keys[i]!)!,
        grid: entry.sources.wgsl!.grid,
      })
    ));
  }

  async #codeOf({ entry, text, defines }: KernelRequest): Promise<string> {
    const { name } = entry.signature;
    const source = entry.sources.wgsl;
    if (source === undefined) {
      throw new KerfError(`Cannot compile kernel "${name}" for WebGPU: it has no WGSL source`, {
        hint: "deno task gen --target wgsl",
      });
    }
    checkDefines({ entry, defines });
    const code = await completeSource({ text, file: source.file, defines });
    const limit = this.#gpu.limits.maxComputeWorkgroupStorageSize;
    return `${code}\n${workgroupAssertion(code, limit)}`;
  }
}
