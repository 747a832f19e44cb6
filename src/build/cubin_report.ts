/**
 * What ptxas says of a kernel as it assembles it, kept beside the cubin: registers, spills, stack, shared
 * and constant memory. NVRTC puts these lines into its log and nvcc onto standard error, among warnings:
 * here they part. Says nothing of what a launch adds, such as dynamic shared memory.
 */

import { KerfError } from "../core/error.ts";

/** What one kernel takes of one architecture. */
export interface CubinResources {
  /** Registers of a thread. */
  readonly registers: number;
  /** Bytes of a thread's registers stored to and loaded from local memory for want of registers. */
  readonly spillStoreBytes: number;
  readonly spillLoadBytes: number;
  /** Local memory of a thread. */
  readonly stackBytes: number;
  /** Static shared memory of a block. */
  readonly sharedBytes: number;
  /** Constant banks, the kernel's parameters among them. */
  readonly constantBytes: number;
}

/** ptxas' own flag, in the spelling that both compilers take. */
export const REPORT_FLAG = "--ptxas-options=-v";

/** Its lines; nvcc prints the frame's without a prefix. */
const REPORT_LINE = /^(ptxas info\b|ptxas +\. |\s+\d+ bytes stack frame\b)/;

/** Parts what a compiler printed into ptxas' report and everything else. */
export function partReport(printed: string): { report: string; rest: string } {
  const lines = printed.split("\n").filter((line) => line.trim() !== "");
  const of = (isReport: boolean) =>
    lines.filter((line) => REPORT_LINE.test(line) === isReport).join("\n");
  return { report: of(true), rest: of(false) };
}

/** The file beside a cubin that holds ptxas' report. */
export const reportPath = (cubinPath: string): string =>
  cubinPath.replace(/\.cubin$/, ".ptxas.txt");

/**
 * Reads what a compiled kernel takes, from its report and from its sections: not every architecture's report
 * names the constant banks.
 *
 * @param cubinPath a file that `compileCuda` made
 * @param kernel an entry point of it
 * @throws {KerfError} the report is not there or not in words that are known
 */
export async function readCubinResources(
  cubinPath: string,
  kernel: string,
): Promise<CubinResources> {
  try {
    const report = await Deno.readTextFile(reportPath(cubinPath));
    const cubin = await Deno.readFile(cubinPath);
    return { ...parseReport(report, kernel), constantBytes: constantBytes(cubin, kernel) };
  } catch (cause) {
    if (cause instanceof KerfError) throw cause;
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new KerfError(`Cannot read what ptxas said of "${cubinPath}": the file is gone`, {
      hint: `rm "${cubinPath}", and it is compiled again`,
      cause,
    });
  }
}

/** Spills of functions that were not inlined are the kernel's too; registers are the entry's. */
export function parseReport(report: string, kernel: string): Omit<CubinResources, "constantBytes"> {
  const own = report.split(/^(?=.*Compiling entry function)/m)
    .find((part) => part.includes(`Compiling entry function '${kernel}'`)) ?? "";
  const all = (pattern: RegExp) => [...own.matchAll(pattern)].map((match) => Number(match[1]));
  const used = all(/\bUsed (\d+) registers/g);
  const frames = all(/(\d+) bytes stack frame/g);
  if (used.length === 0 || frames.length === 0) {
    throw new KerfError(`Cannot read ptxas' report of "${kernel}":\n${report}`, {
      hint: "deno task setup cuda   brings the version that Kerf knows",
    });
  }
  const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
  return {
    registers: Math.max(...used),
    spillStoreBytes: sum(all(/(\d+) bytes spill stores/g)),
    spillLoadBytes: sum(all(/(\d+) bytes spill loads/g)),
    stackBytes: Math.max(...frames, ...all(/(\d+) bytes cumulative stack size/g)),
    sharedBytes: sum(all(/(\d+) bytes smem/g)),
  };
}

/** Sizes of a kernel's and the file's sections `.nv.constantN` in a cubin: 64-bit ELF, little-endian. */
function constantBytes(cubin: Uint8Array, kernel: string): number {
  const view = new DataView(cubin.buffer, cubin.byteOffset, cubin.byteLength);
  const at64 = (offset: number) => Number(view.getBigUint64(offset, true));
  const [table, size] = [at64(0x28), view.getUint16(0x3a, true)];
  const [count, names] = [view.getUint16(0x3c, true), view.getUint16(0x3e, true)];
  const header = (index: number) => table + size * index;
  const namesAt = at64(header(names) + 0x18);
  let bytes = 0;
  for (let i = 0; i < count; i++) {
    const nameAt = namesAt + view.getUint32(header(i), true);
    const name = new TextDecoder().decode(cubin.subarray(nameAt, cubin.indexOf(0, nameAt)));
    const [, of] = /^\.nv\.constant\d(?:\.(.+))?$/.exec(name) ?? [undefined, ""];
    if (of === undefined || of === kernel) bytes += at64(header(i) + 0x20);
  }
  return bytes;
}
