/** Time of a program on a device: by the device's own clock where it has one, else by the wall's. */

import { STEP_FIELDS } from "../../src/core/signature.ts";
import type { BufferRange, Device, Program } from "../../src/device/mod.ts";

/** What a device with a clock of its own offers; CUDA's has it. */
interface Clocked {
  elapsedMs(program: Program, step: Uint32Array, runs: number): Promise<number>;
}

const isClocked = (device: Device): device is Device & Clocked => "elapsedMs" in device;

/** Runs between two looks at the clock: launching then costs nothing that is measured. */
const RUNS_TOGETHER = 10;

/** What to time. */
export interface Timing {
  readonly program: Program;
  readonly header?: Uint32Array;
  /** Any range of memory: reading it waits for the end. */
  readonly end: BufferRange;
  readonly nRuns: number;
}

/** The median of some numbers. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Milliseconds of one run of a program: the median of `nRuns` measurements. */
export async function programMs(device: Device, timing: Timing): Promise<number> {
  const { program, header = new Uint32Array(STEP_FIELDS.length), end, nRuns } = timing;
  const runs = async () => {
    for (let i = 1; i < RUNS_TOGETHER; i++) await device.run(program, header);
    await device.run(program, header, end);
  };
  await runs();
  const samples: number[] = [];
  for (let i = 0; i < nRuns; i++) {
    if (isClocked(device)) {
      samples.push(await device.elapsedMs(program, header, RUNS_TOGETHER) / RUNS_TOGETHER);
    } else {
      samples.push(await wallMs(runs) / RUNS_TOGETHER);
    }
  }
  return median(samples);
}

/** Milliseconds that something takes. */
export async function wallMs(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
