/**
 * NVRTC, NVIDIA's compiler as a library: CUDA text → cubin, without a GPU and without a toolkit. It comes
 * from the cache, where `deno task setup cuda` puts the wheel's two libraries.
 *
 * Calls need no more than path-scoped FFI: pointers that C wants inside arrays come from the library itself.
 */

import { join } from "@std/path";
import { openLibrary } from "../sys/library.ts";

/** The wheel that carries the libraries; its version is part of every artifact's name. */
export const NVRTC_VERSION = "13.0.88";

/** File names in the cache; the builtins must be loaded first, or compiling fails with code 7. */
export const NVRTC_LIBRARIES = Object.freeze({
  builtins: "libnvrtc-builtins.so.13.0",
  compiler: "libnvrtc.so.13",
});

/** Where the libraries are once installed. */
export const nvrtcFolder = (cacheDir: string): string => join(cacheDir, "nvrtc", NVRTC_VERSION);

/** What a compilation came to. */
export interface NvrtcResult {
  /** Null when the text was refused. */
  readonly cubin: Uint8Array<ArrayBuffer> | null;
  /** Errors, warnings, and what ptxas was asked to say; empty when there are none. */
  readonly log: string;
}

/** The loaded compiler. */
export interface Nvrtc {
  /** `13.0`, as the library says. */
  readonly version: string;
  /** Compiles on a thread of its own; calls may overlap. */
  compile(text: string, file: string, flags: readonly string[]): Promise<NvrtcResult>;
}

const SYMBOLS = {
  nvrtcVersion: { parameters: ["buffer", "buffer"], result: "i32" },
  nvrtcCreateProgram: {
    parameters: ["buffer", "buffer", "buffer", "i32", "usize", "usize"],
    result: "i32",
  },
  nvrtcCompileProgram: { parameters: ["u64", "i32", "buffer"], result: "i32", nonblocking: true },
  nvrtcGetProgramLogSize: { parameters: ["u64", "buffer"], result: "i32" },
  nvrtcGetProgramLog: { parameters: ["u64", "buffer"], result: "i32" },
  nvrtcGetCUBINSize: { parameters: ["u64", "buffer"], result: "i32" },
  nvrtcGetCUBIN: { parameters: ["u64", "buffer"], result: "i32" },
  nvrtcDestroyProgram: { parameters: ["buffer"], result: "i32" },
  // The C library's, which NVRTC links: moving nothing, it returns the address of a buffer.
  memmove: { parameters: ["buffer", "buffer", "usize"], result: "u64" },
} as const;

/** NVRTC's codes for a flag (an architecture it does not know) and a text it refused; the log says why. */
const REFUSED = [5, 6];

/** Whether the libraries are in the cache. */
export async function hasNvrtc(cacheDir: string): Promise<boolean> {
  try {
    return (await Deno.stat(join(nvrtcFolder(cacheDir), NVRTC_LIBRARIES.compiler))).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** By folder. */
const opened = new Map<string, Nvrtc>();

/**
 * Loads the compiler from the cache, once a process for each cache.
 *
 * @throws {KerfError} the libraries are not there or do not load
 */
export function openNvrtc(cacheDir: string): Nvrtc {
  const folder = nvrtcFolder(cacheDir);
  const known = opened.get(folder);
  if (known !== undefined) return known;
  openLibrary(join(folder, NVRTC_LIBRARIES.builtins), {});
  const nvrtc = openLibrary(join(folder, NVRTC_LIBRARIES.compiler), SYMBOLS);
  const [major, minor] = [new Int32Array(1), new Int32Array(1)];
  check("nvrtcVersion", nvrtc.nvrtcVersion(major, minor));
  const compiler: Nvrtc = {
    version: `${major[0]}.${minor[0]}`,
    async compile(text, file, flags) {
      const handle = new BigUint64Array(1);
      const [source, name] = [cString(text), cString(file)];
      const code = nvrtc.nvrtcCreateProgram(handle, source, name, 0, 0n, 0n);
      check("nvrtcCreateProgram", code);
      const program = handle[0]!;
      const sized = (size: (program: bigint, to: BigUint64Array<ArrayBuffer>) => number) => {
        const bytes = new BigUint64Array(1);
        check("a size", size(program, bytes));
        return new Uint8Array(Number(bytes[0]));
      };
      try {
        const options = cStrings(flags, (buffer) => nvrtc.memmove(buffer, buffer, 0n));
        inUse.add(options);
        const code = await nvrtc.nvrtcCompileProgram(program, flags.length, options)
          .finally(() => inUse.delete(options));
        if (!REFUSED.includes(code)) check("nvrtcCompileProgram", code);
        const log = sized(nvrtc.nvrtcGetProgramLogSize);
        check("nvrtcGetProgramLog", nvrtc.nvrtcGetProgramLog(program, log));
        const shown = { log: new TextDecoder().decode(log).replace(/\0+$/, "").trim() };
        if (REFUSED.includes(code)) return { cubin: null, ...shown };
        const cubin = sized(nvrtc.nvrtcGetCUBINSize);
        check("nvrtcGetCUBIN", nvrtc.nvrtcGetCUBIN(program, cubin));
        return { cubin, ...shown };
      } finally {
        nvrtc.nvrtcDestroyProgram(handle);
      }
    },
  };
  opened.set(folder, compiler);
  return compiler;
}

/** Buffers that a compilation reads, so that they are not collected meanwhile. */
const inUse = new Set<Uint8Array>();

function check(what: string, code: number): void {
  if (code !== 0) throw new Error(`NVRTC failed in ${what} with code ${code}`);
}

const cString = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(`${text}\0`);

/** `const char *const *`: addresses, then the strings they point at, in one buffer. */
function cStrings(
  texts: readonly string[],
  addressOf: (buffer: Uint8Array<ArrayBuffer>) => bigint,
): Uint8Array<ArrayBuffer> {
  const strings = texts.map(cString);
  const first = 8 * texts.length;
  const bytes = strings.reduce((sum, { length }) => sum + length, first);
  // An ArrayBuffer of its own: the engine may move the elements of a small typed array.
  const buffer = new Uint8Array(new ArrayBuffer(bytes));
  const addresses = new BigUint64Array(buffer.buffer, 0, texts.length);
  const base = addressOf(buffer);
  let at = first;
  strings.forEach((string, i) => {
    addresses[i] = base + BigInt(at);
    buffer.set(string, at);
    at += string.length;
  });
  return buffer;
}
