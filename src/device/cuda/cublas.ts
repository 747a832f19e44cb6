/** cuBLAS as functions that throw. Every status is checked here and nowhere else. */

import { KerfError } from "../../core/error.ts";
import { openLibrary } from "../../sys/library.ts";
import { OutOfMemory } from "../out_of_memory.ts";
import { CUBLAS, CUBLAS_SYMBOLS } from "./cublas_symbols.ts";
import { outInt } from "./driver.ts";
import { C_SYMBOLS } from "./symbols.ts";

/** What goes on without cuBLAS. */
const WITHOUT = "KERF_LIBCUBLAS=none   (generated kernels multiply instead)";

type Symbols = Deno.DynamicLibrary<typeof CUBLAS_SYMBOLS>["symbols"];
type Checked = Exclude<keyof Symbols, "cublasGetStatusName">;

/** cuBLAS' functions; they throw where C returns a status. */
export type CublasCalls = {
  readonly [Name in Checked]: (...args: Parameters<Symbols[Name]>) => void;
};

/** The loaded library. */
export interface Cublas {
  /** @throws {KerfError} naming the function and the status */
  readonly call: CublasCalls;
  /** `13.1` */
  readonly version: string;
  /** Whether a call has failed: little can be expected of the next ones. */
  readonly hasFailed: boolean;
}

/** Loads cuBLAS at an absolute path; needs no GPU. @throws {KerfError} it does not load */
export function openCublas(path: string): Cublas {
  const library = openLibrary(path, { ...CUBLAS_SYMBOLS, ...C_SYMBOLS }, WITHOUT);
  let hasFailed = false;
  const check = (name: string, code: number): void => {
    if (code === 0) return;
    hasFailed = true;
    const bytes = new Uint8Array(64);
    library.strncpy(bytes, library.cublasGetStatusName(code), BigInt(bytes.length - 1));
    const status = new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
    const Kind = code === CUBLAS.STATUS_ALLOC_FAILED ? OutOfMemory : KerfError;
    const what = name.replace(/_v\d$/, "");
    throw new Kind(`Cannot multiply with cuBLAS: ${what}: ${status}`, { hint: WITHOUT });
  };
  const names = Object.keys(CUBLAS_SYMBOLS).filter((name) => name !== "cublasGetStatusName");
  const call = Object.fromEntries(names.map((name) => {
    const symbol = library[name as Checked] as (...args: unknown[]) => number;
    return [name, (...args: unknown[]) => check(name, symbol(...args))];
  })) as unknown as CublasCalls;
  const part = (which: number) => outInt((to) => call.cublasGetProperty(which, to));
  const version = `${part(CUBLAS.MAJOR_VERSION)}.${part(CUBLAS.MINOR_VERSION)}`;
  return Object.freeze({
    ...{ call: Object.freeze(call), version },
    get hasFailed() {
      return hasFailed;
    },
  });
}

/** What multiplies many rows, for people: `cuBLAS 13.1`, or `generated kernels`. */
export const productsName = (cublas: Cublas | undefined): string =>
  cublas === undefined ? "generated kernels" : `cuBLAS ${cublas.version}`;
