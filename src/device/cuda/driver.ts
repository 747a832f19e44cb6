/**
 * The driver library as functions that throw. Every status is checked here and nowhere else; addresses of
 * buffers come from the library itself, so path-scoped FFI is enough.
 */

import { openLibrary } from "../../sys/library.ts";
import { CudaError } from "./error.ts";
import { C_SYMBOLS, CUDA, FIRST_SYMBOLS, SYMBOLS } from "./symbols.ts";

/** For a library that is there and does not load. */
const NO_LIBRARY =
  "install NVIDIA's driver again: https://www.nvidia.com/drivers   (KERF_LIBCUDA names another)";

/** The newest CUDA version that the driver at a path runs: `13.0`. */
export function driverVersion(path: string): string {
  const version = new Int32Array(1);
  const code = openLibrary(path, FIRST_SYMBOLS, NO_LIBRARY).cuDriverGetVersion(version);
  if (code !== 0) throw new CudaError(`cuDriverGetVersion: code ${code}`, code);
  return `${Math.floor(version[0]! / 1000)}.${version[0]! % 1000 / 10}`;
}

type Symbols = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/** The driver's functions; they throw where C returns a status. */
export type CudaCalls = {
  readonly [Name in keyof Symbols]: (...args: Parameters<Symbols[Name]>) => void;
};

/** A loaded driver. */
export interface CudaDriver {
  /** @throws {CudaError} the driver refuses */
  readonly call: CudaCalls;
  /** Whether a call failed for another reason than memory: little can be expected of the next ones. */
  readonly hasFailed: boolean;
  /** Whether a stream still has work. @throws {CudaError} its work failed */
  isBusy(stream: bigint): boolean;
  /** Where a buffer lies, for pointers inside structs: see `stableBytes`. */
  addressOf(bytes: Uint8Array<ArrayBuffer>): bigint;
}

/** Loads the driver at an absolute path. @throws {KerfError} it does not load */
export function openCudaDriver(path: string): CudaDriver {
  const library = openLibrary(path, { ...SYMBOLS, ...C_SYMBOLS }, NO_LIBRARY);
  /** The driver's text for a code, by one of its two functions. */
  const text = (ask: "cuGetErrorName" | "cuGetErrorString", code: number): string => {
    const address = new BigUint64Array(1);
    if (library[ask](code, address) !== 0 || address[0] === 0n) return `code ${code}`;
    const bytes = new Uint8Array(256);
    library.strncpy(bytes, address[0]!, BigInt(bytes.length - 1));
    return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
  };
  let hasFailed = false;
  const check = (name: string, code: number): void => {
    if (code === 0) return;
    hasFailed ||= code !== CUDA.ERROR_OUT_OF_MEMORY;
    const [word, words] = [text("cuGetErrorName", code), text("cuGetErrorString", code)];
    throw new CudaError(`${name.replace(/_v\d$/, "")}: ${word} (${words})`, code);
  };
  const call = Object.fromEntries(
    Object.keys(SYMBOLS).map((name) => {
      const symbol = library[name as keyof Symbols] as (...args: unknown[]) => number;
      return [name, (...args: unknown[]) => check(name, symbol(...args))];
    }),
  ) as unknown as CudaCalls;
  return Object.freeze({
    call: Object.freeze(call),
    get hasFailed() {
      return hasFailed;
    },
    isBusy(stream: bigint) {
      const code = library.cuStreamQuery(stream);
      if (code !== CUDA.ERROR_NOT_READY) check("cuStreamQuery", code);
      return code === CUDA.ERROR_NOT_READY;
    },
    addressOf: (bytes: Uint8Array<ArrayBuffer>) => library.memmove(bytes, bytes, 0n),
  });
}

/** An output of eight bytes: a handle or an address. */
export function outHandle(ask: (to: BigUint64Array<ArrayBuffer>) => void): bigint {
  const to = new BigUint64Array(1);
  ask(to);
  return to[0]!;
}

/** An output of four bytes. */
export function outInt(ask: (to: Int32Array<ArrayBuffer>) => void): number {
  const to = new Int32Array(1);
  ask(to);
  return to[0]!;
}

/** A GPU's memory, whoever uses it. */
export interface MemoryInfo {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** How much memory the current context's GPU has. @throws {CudaError} */
export function memoryInfo(call: CudaCalls): MemoryInfo {
  const [free, total] = [new BigUint64Array(1), new BigUint64Array(1)];
  call.cuMemGetInfo_v2(free, total);
  return { freeBytes: Number(free[0]), totalBytes: Number(total[0]) };
}
