/**
 * The CUDA device: generated kernels as cubins, run through NVIDIA's driver. A step is one graph launch;
 * waiting for it lets the event loop turn, so that Ctrl-C always arrives.
 */

import { setImmediate } from "node:timers";
import { join } from "@std/path";
import { type CudaToolchain, requireCudaToolchain } from "../../build/mod.ts";
import { STEP_FIELDS } from "../../core/signature.ts";
import { cacheDir } from "../../sys/cache_dir.ts";
import { filePieces } from "../file_pieces.ts";
import type { Device, DeviceBuffer, FileRange, Program } from "../types.ts";
import { openClock } from "./clock.ts";
import { closeContext, cudaName, openContext } from "./context.ts";
import { requireCudaDriverPath } from "./driver_path.ts";
import { openCublas, productsName } from "./cublas.ts";
import { CudaCompiler, type CudaKernel } from "./kernels.ts";
import { CudaMemory } from "./memory.ts";
import { CudaProducts } from "./products.ts";
import { type CudaProgram, prepareProgram } from "./program.ts";
import { CudaRunner } from "./runner.ts";
import { suitedCublas, suitedToolchain } from "./toolchain.ts";

/** How to open a GPU. */
export interface CudaDeviceOptions {
  /** The driver library's absolute path. Default: {@linkcode requireCudaDriverPath}. */
  readonly driver?: string;
  /** Default: {@linkcode suitedToolchain}. */
  readonly toolchain?: CudaToolchain;
  /** Where compiled kernels go. Default: the project's cache. */
  readonly cacheDir?: string;
  /** cuBLAS' absolute path; null: generated kernels do all products. Default: {@linkcode suitedCublas}. */
  readonly cublas?: string | null;
}

/** A GPU, and what only it can do. */
export interface CudaDevice extends Device {
  readonly kind: "cuda";
  /** What multiplies many rows: `cuBLAS 13.1`, or `generated kernels`. */
  readonly products: string;
  /**
   * Runs a program `runs` times and measures by the GPU's own clock.
   *
   * @returns milliseconds of all runs together
   */
  elapsedMs(program: Program, step: Uint32Array, runs: number): Promise<number>;
}

/** While a step is this young, its end is looked for without a pause: decoding must not wait for a timer. */
const EAGER_MS = 20;
/** Between looks at an older one: late by a twentieth of it at most. */
const PAUSE_MS = 1;

/**
 * Opens the first GPU that the driver shows.
 *
 * @throws {KerfError} without a driver, a compiler or a GPU that will do
 */
export async function openCudaDevice(options: CudaDeviceOptions = {}): Promise<CudaDevice> {
  const cache = options.cacheDir ?? cacheDir();
  // First: without a GPU nobody needs a compiler for it.
  const driver = options.driver ?? requireCudaDriverPath();
  const toolchain = options.toolchain ??
    await suitedToolchain(await requireCudaToolchain(cache), driver);
  const library = options.cublas === undefined ? suitedCublas(driver) : options.cublas ?? undefined;
  const cublas = library === undefined ? undefined : openCublas(library);
  const context = openContext(driver, toolchain);
  const memory = new CudaMemory(context);
  const hasLibrary = cublas !== undefined;
  const compiler = new CudaCompiler(context, { toolchain, dir: join(cache, "cuda"), hasLibrary });
  const products = cublas && new CudaProducts(context, memory, cublas);
  const runner = new CudaRunner(context, products);
  let open = true;
  const close = () => {
    if (!open) return;
    open = false;
    const failedBefore = context.driver.hasFailed || cublas?.hasFailed === true;
    const parts = [products, runner, memory, compiler];
    closeContext(context, parts.flatMap((part) => part?.releases() ?? []), failedBefore);
  };
  const checkOpen = () => {
    if (!open) throw new TypeError("Cannot use the device: it is closed");
  };
  let step: DeviceBuffer;
  try {
    step = memory.allocate(4 * STEP_FIELDS.length, "step");
  } catch (error) {
    close();
    throw error;
  }
  const kernels = new WeakSet<object>();
  const programs = new WeakSet<object>();
  const isKernel = (kernel: unknown): kernel is CudaKernel => kernels.has(kernel as object);

  /** The step's header to the GPU, behind all that was asked for before. */
  const begin = (program: Program, header: Uint32Array): CudaProgram => {
    checkOpen();
    if (!programs.has(program)) throw new TypeError("Cannot run a program of another device");
    if (header.length !== STEP_FIELDS.length) {
      throw new RangeError(
        `Cannot run a step of ${header.length} fields: it has ${STEP_FIELDS.length}`,
      );
    }
    memory.write(step, header, 0);
    return program as CudaProgram;
  };
  const untilIdle = async () => {
    const start = performance.now();
    do {
      await turn(performance.now() - start < EAGER_MS ? 0 : PAUSE_MS);
      checkOpen();
    } while (context.driver.isBusy(context.stream));
  };

  const upload = async (buffer: DeviceBuffer, range: FileRange, offset: number) => {
    for await (const { at, data } of filePieces(range)) {
      memory.upload(buffer, data.subarray(0, range.bytes - at), offset + at);
    }
  };

  return {
    name: cudaName(context, cublas),
    kind: "cuda",
    products: productsName(cublas),
    target: "cuda",
    maxBindingBytes: Infinity,
    allocate(bytes, label) {
      checkOpen();
      return memory.allocate(bytes, label);
    },
    reserve(bytes, label) {
      checkOpen();
      return memory.reserve(bytes, label);
    },
    commit: (buffer, offset, bytes) => memory.commit(buffer, offset, bytes),
    discard: (buffer, offset, bytes) => memory.discard(buffer, offset, bytes),
    settle: () => {},
    free: (buffer) => memory.free(buffer),
    write: (buffer, data, offset = 0) => memory.write(buffer, data, offset),
    copy: (buffer, range) => memory.copy(buffer, range),
    async read(buffer, offset, bytes) {
      await untilIdle();
      return memory.read(buffer, offset, bytes);
    },
    async readFile(range, label) {
      checkOpen();
      const buffer = memory.allocate(range.bytes, label, "file");
      try {
        await upload(buffer, range, 0);
      } catch (error) {
        if (open) memory.free(buffer);
        throw error;
      }
      return buffer;
    },
    async readInto(buffer, range, offset = 0) {
      checkOpen();
      await upload(buffer, range, offset);
    },
    async compile(requests, onProgress) {
      checkOpen();
      const compiled = await compiler.compile(requests, { onProgress, checkOpen });
      for (const kernel of compiled) kernels.add(kernel);
      return compiled;
    },
    prepare(invocations) {
      const { addressOf } = context.driver;
      const program = prepareProgram(invocations, {
        ...{ memory, isKernel, addressOf },
        step: { buffer: step },
      });
      if (program.launches.some(({ product }) => product !== undefined)) products!.open();
      programs.add(program);
      return program;
    },
    async run(program, header, read) {
      runner.enqueue(begin(program, header), header);
      if (read === undefined) {
        // Only a turn of the event loop lets a signal arrive.
        await turn(0);
        return new Uint8Array();
      }
      await untilIdle();
      return memory.read(read.buffer, read.offset, read.bytes);
    },
    async elapsedMs(program, header, runs) {
      const prepared = begin(program, header);
      // One launch by launch, one that makes the graph.
      for (let i = 0; i < 2; i++) runner.enqueue(prepared, header);
      using clock = openClock(context);
      for (let i = 0; i < runs; i++) runner.enqueue(prepared, header);
      clock.stop();
      await untilIdle();
      return clock.elapsedMs();
    },
    close,
  };
}

/** A turn of the event loop, or a pause. */
const turn = (ms: number) =>
  new Promise<void>((resolve) => ms === 0 ? setImmediate(resolve) : setTimeout(resolve, ms));
