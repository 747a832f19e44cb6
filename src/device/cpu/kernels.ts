/**
 * Kernel requests → addresses of compiled functions. Requests with the same text and defines share one
 * library; a library exports `uint64_t NAME_address(void)` for each of its kernels.
 */

import { KerfError } from "../../core/error.ts";
import { compileC, type CompileCOptions, mapLimited } from "../../build/mod.ts";
import { openLibrary } from "../../sys/library.ts";
import type { CompiledKernel, CompileProgress, KernelRequest } from "../types.ts";
import { type Isa, ISA_FLAGS } from "./isa.ts";

/** A compiled kernel with the address of its function. */
export interface CpuKernel extends CompiledKernel {
  readonly address: bigint;
}

/** How to compile. */
export interface KernelOptions extends CompileCOptions {
  readonly isa: Isa;
  readonly onProgress?: ((progress: CompileProgress) => void) | undefined;
}

/** Compiles and loads kernels, as many at a time as there are processors; in the requests' order. */
export async function compileKernels(
  requests: readonly KernelRequest[],
  options: KernelOptions,
): Promise<CpuKernel[]> {
  for (const request of requests) checkDefines(request);
  let done = 0;
  return await mapLimited(requests, navigator.hardwareConcurrency, async (request) => {
    const { entry, text, defines } = request;
    const { name } = entry.signature;
    const file = entry.sources.c?.file;
    if (file === undefined) {
      throw new KerfError(`Cannot compile kernel "${name}" for the CPU: it has no C source`, {
        hint: "deno task gen --target c",
      });
    }
    const path = await compileC(
      // The library may serve several kernels: named by the file, not by this one.
      { name: fileStem(file), text, file, defines, machineFlags: ISA_FLAGS[options.isa] },
      options,
    );
    const symbol = `${name}_address`;
    const library = openLibrary(path, { [symbol]: { parameters: [], result: "u64" } });
    const address = (library[symbol] as () => bigint)();
    options.onProgress?.({ done: ++done, total: requests.length, name });
    return Object.freeze({ entry, address });
  });
}

const fileStem = (file: string) => file.slice(file.lastIndexOf("/") + 1).replace(/\.c$/, "");

/** @throws {TypeError} when a define is missing, unknown or no integer */
function checkDefines({ entry, defines }: KernelRequest): void {
  const { name, defines: wanted } = entry.signature;
  for (const define of wanted) {
    const value = defines[define];
    if (!Number.isInteger(value)) {
      throw new TypeError(`Cannot compile kernel "${name}": define "${define}" is ${value}`);
    }
  }
  const unknown = Object.keys(defines).find((define) => !wanted.includes(define));
  if (unknown !== undefined) {
    throw new TypeError(`Cannot compile kernel "${name}": it has no define "${unknown}"`);
  }
}
