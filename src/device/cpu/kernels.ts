/**
 * Kernel requests → addresses of compiled functions. Requests with the same text and defines share one
 * library; a library exports `uint64_t NAME_address(void)` for each of its kernels.
 */

import { KerfError } from "../../core/error.ts";
import { compileC, type CompileCOptions, type CSource, mapLimited } from "../../build/mod.ts";
import { openLibrary } from "../../sys/library.ts";
import { checkDefines } from "../defines.ts";
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

/** Compiles and loads kernels, as many files at a time as there are processors; in the requests' order. */
export async function compileKernels(
  requests: readonly KernelRequest[],
  options: KernelOptions,
): Promise<CpuKernel[]> {
  const sources = new Map<string, CSource>();
  const keys = requests.map((request) => {
    const source = sourceOf(request, options.isa);
    const key = JSON.stringify([source.file, source.defines, source.text]);
    sources.set(key, source);
    return key;
  });
  let done = 0;
  const shared = { ...options, headers: new Map<string, Promise<string>>() };
  const compiled = await mapLimited([...sources], navigator.hardwareConcurrency, async (pair) => {
    const [key, source] = pair;
    const path = await compileC(source, shared);
    options.onProgress?.({ done: ++done, total: sources.size, name: source.name });
    return [key, path] as const;
  });
  const paths = new Map(compiled);
  return requests.map(({ entry }, i) => {
    const symbol = `${entry.signature.name}_address`;
    const library = openLibrary(paths.get(keys[i]!)!, {
      [symbol]: { parameters: [], result: "u64" },
    });
    return Object.freeze({ entry, address: (library[symbol] as () => bigint)() });
  });
}

/** What to compile for a request. @throws {KerfError} when the kernel has no C source */
function sourceOf(request: KernelRequest, isa: Isa): CSource {
  const { entry, text, defines } = request;
  const file = entry.sources.c?.file;
  if (file === undefined) {
    throw new KerfError(
      `Cannot compile kernel "${entry.signature.name}" for the CPU: it has no C source`,
      { hint: "deno task gen --target c" },
    );
  }
  checkDefines(request);
  // The library may serve several kernels: named by the file, not by this one.
  return { name: fileStem(file), text, file, defines, machineFlags: ISA_FLAGS[isa] };
}

const fileStem = (file: string) => file.slice(file.lastIndexOf("/") + 1).replace(/\.c$/, "");
