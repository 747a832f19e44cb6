/**
 * Kernel requests → functions of loaded modules. A text is compiled and loaded once, however many requests
 * and calls name it; how many blocks of a kernel the GPU holds at a time is asked once as well.
 */

import { compileCuda, type CudaSource, type CudaToolchain, mapLimited } from "../../build/mod.ts";
import { KerfError } from "../../core/error.ts";
import type { GridFactor } from "../../core/signature.ts";
import { checkDefines } from "../defines.ts";
import type { CompiledKernel, CompileProgress, KernelRequest } from "../types.ts";
import type { CudaContext } from "./context.ts";
import { outHandle, outInt } from "./driver.ts";
import { CudaError } from "./error.ts";
import type { Release } from "./release.ts";
import { CUDA } from "./symbols.ts";

/** An entry point of a loaded module, and how it is launched. */
export interface CudaFunction {
  /** The driver's handle. */
  readonly func: bigint;
  /** Threads of a block. */
  readonly threads: number;
  /** Dynamic shared memory of a block. */
  readonly sharedBytes: number;
  /** Blocks that run at a time on the whole GPU: more would only wait. */
  readonly maxBlocks: number;
}

/** The entry points around a library's matrix product. */
export interface ProductFunctions {
  readonly unpack: CudaFunction;
  readonly finish: CudaFunction;
  /** Packed rows that an output is made of. */
  readonly rowsPerOutput: 1 | 2;
}

/** A compiled kernel. */
export interface CudaKernel extends CompiledKernel, CudaFunction {
  readonly grid: readonly GridFactor[];
  /** Of a matrix product, where there is a library for it. */
  readonly product?: ProductFunctions;
}

/** How to compile. */
export interface CudaCompilerOptions {
  readonly toolchain: CudaToolchain;
  /** The folder of cubins. */
  readonly dir: string;
  /** Whether entry points around a library's products are wanted. */
  readonly hasLibrary: boolean;
}

/** The compiler of one device, and the modules it has loaded. */
export class CudaCompiler {
  readonly #context: CudaContext;
  readonly #options: CudaCompilerOptions;
  /** Handles by the path of the cubin, whose name is its content. */
  readonly #modules = new Map<string, bigint>();

  constructor(context: CudaContext, options: CudaCompilerOptions) {
    this.#context = context;
    this.#options = options;
  }

  /** Compiles as many texts at a time as there are processors; in the requests' order. */
  async compile(
    requests: readonly KernelRequest[],
    options: {
      readonly onProgress: ((progress: CompileProgress) => void) | undefined;
      /** @throws {TypeError} the device was closed meanwhile */
      readonly checkOpen: () => void;
    },
  ): Promise<CudaKernel[]> {
    const sources = new Map<string, CudaSource>();
    const keys = requests.map((request) => {
      const source = sourceOf(request, this.#context.arch);
      const key = JSON.stringify([source.file, source.defines, source.text]);
      sources.set(key, source);
      return key;
    });
    let done = 0;
    const cubins = await mapLimited([...sources], navigator.hardwareConcurrency, async (pair) => {
      const [key, source] = pair;
      const path = await compileCuda(source, this.#options);
      const bytes = await Deno.readFile(path);
      options.onProgress?.({ done: ++done, total: sources.size, name: source.name });
      return [key, { path, bytes }] as const;
    });
    options.checkOpen();
    const byKey = new Map(cubins);
    return requests.map(({ entry }, i) => this.#load(entry, byKey.get(keys[i]!)!));
  }

  /** What unloads every module. */
  releases(): Release[] {
    const { call } = this.#context.driver;
    return [...this.#modules.values()].map((module) => () => call.cuModuleUnload(module));
  }

  #load(
    entry: KernelRequest["entry"],
    { path, bytes }: { path: string; bytes: Uint8Array<ArrayBuffer> },
  ): CudaKernel {
    const { call } = this.#context.driver;
    const { name } = entry.signature;
    let module = this.#modules.get(path);
    if (module === undefined) {
      module = this.#explained(name, () => outHandle((to) => call.cuModuleLoadData(to, bytes)));
      this.#modules.set(path, module);
    }
    const { grid, workgroup, sharedBytes = 0, product } = entry.sources.cuda!;
    const load = (name: string, sharedBytes: number) =>
      this.#entryPoint(module, name, { threads: workgroup!, sharedBytes });
    const kernel = { entry, grid, ...load(name, sharedBytes) };
    if (product === undefined || !this.#options.hasLibrary) return Object.freeze(kernel);
    const { rowsPerOutput } = product;
    const around = { unpack: load(product.unpack, 0), finish: load(product.finish, 0) };
    return Object.freeze({ ...kernel, product: { ...around, rowsPerOutput } });
  }

  #entryPoint(
    module: bigint,
    name: string,
    { threads, sharedBytes }: Pick<CudaFunction, "threads" | "sharedBytes">,
  ): CudaFunction {
    const { driver: { call }, nMultiprocessors } = this.#context;
    const symbol = new TextEncoder().encode(`${name}\0`);
    const func = outHandle((to) => call.cuModuleGetFunction(to, module, symbol));
    if (sharedBytes > 0) {
      // Beyond 48 KiB with what the text declares, a launch is refused unless the function allows it.
      const most = CUDA.FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
      call.cuFuncSetAttribute(func, most, sharedBytes);
    }
    const perMultiprocessor = outInt((to) =>
      call.cuOccupancyMaxActiveBlocksPerMultiprocessor(to, func, threads, BigInt(sharedBytes))
    );
    const maxBlocks = Math.max(1, perMultiprocessor) * nMultiprocessors;
    return { func, threads, sharedBytes, maxBlocks };
  }

  /** Loads a module; a driver that cannot read what the compiler made says which both are. */
  #explained(name: string, load: () => bigint): bigint {
    try {
      return load();
    } catch (error) {
      if (!(error instanceof CudaError) || !UNREADABLE.includes(error.code)) throw error;
      const { arch, version } = this.#context;
      const { toolchain } = this.#options;
      throw new KerfError(
        `Cannot load kernel "${name}" for ${arch}: ${error.reason}; it was compiled by ` +
          `${toolchain.kind} ${toolchain.version}, and the driver runs CUDA ${version}`,
        {
          hint: [
            "install a newer driver: https://www.nvidia.com/drivers",
            "rm -r .cache/cuda   (if a file there was damaged)",
          ],
          cause: error,
        },
      );
    }
  }
}

const UNREADABLE: readonly number[] = [
  ...[CUDA.ERROR_INVALID_IMAGE, CUDA.ERROR_NO_BINARY_FOR_GPU, CUDA.ERROR_UNSUPPORTED_PTX_VERSION],
];

/** What to compile for a request. @throws {KerfError} when the kernel has no CUDA source */
function sourceOf({ entry, text, defines }: KernelRequest, arch: string): CudaSource {
  const { name } = entry.signature;
  const file = entry.sources.cuda?.file;
  if (file === undefined) {
    throw new KerfError(`Cannot compile kernel "${name}" for CUDA: it has no CUDA source`, {
      hint: "deno task gen --target cuda",
    });
  }
  checkDefines({ entry, defines });
  return { name, text, file, arch, defines };
}
