/**
 * What the pool costs: `deno run -A src/device/cpu/pool_bench.ts`. Prints the price of a call and of a
 * barrier, and how much a step of a decoding's shape loses while a busy process sits on every processor.
 *
 * Seen with 2 threads on 2 cores of a shared x86-64-v4 virtual machine: call 0.6 µs, 64 items and barrier
 * 0.6 µs, a 3.1 ms step of 150 barriers slowed 2.1 to 2.4 times by the busy processes (2 would be a fair
 * share; more than 4 is a bug in how threads wait).
 */

import { STEP_FIELDS } from "../../core/signature.ts";
import type { Device, DeviceBuffer, KernelRequest, Program } from "../types.ts";
import { openCpuDevice } from "./device.ts";
import { toyText } from "./toy_testing.ts";

/** `work` dependent multiplications an item: about 1 ns each. */
const busy: KernelRequest = {
  entry: {
    signature: {
      name: "busy",
      bindings: [{ name: "y", dtype: "f32", access: "readwrite", shape: ["n"] }],
      constants: [{ name: "work", dtype: "u32" }],
      defines: [],
    },
    sources: { c: { file: "busy.c", sha256: "", template: "", grid: [{ of: { step: "nRows" } }] } },
    authored: [],
  },
  text: toyText(
    "busy",
    "float *y; uint32_t work;",
    "for (uint32_t i = first; i < last; i++) {\n" +
      "    float v = a->y[i];\n" +
      "    for (uint32_t k = 0; k < a->work; k++) v = v * 0.5f + 1.0f;\n" +
      "    a->y[i] = v;\n  }",
  ),
  defines: {},
};

const BARRIERS = 150;
const ITEMS = 64;

async function program(device: Device, y: DeviceBuffer, work: number): Promise<Program> {
  const [kernel] = await device.compile([busy]);
  const invocation = { kernel: kernel!, label: "busy", buffers: { y: { buffer: y } } };
  return device.prepare(Array(BARRIERS).fill({ ...invocation, constants: { work } }));
}

/** Milliseconds of each of `runs` runs. */
async function times(device: Device, program: Program, runs: number): Promise<number[]> {
  const header = Uint32Array.from(STEP_FIELDS, (field) => field === "nRows" ? ITEMS : 0);
  const out: number[] = [];
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    await device.run(program, header);
    out.push(performance.now() - start);
  }
  return out;
}

const median = (ms: number[]) => ms.toSorted((a, b) => a - b)[ms.length >> 1]!;
const mean = (ms: number[]) => ms.reduce((a, b) => a + b) / ms.length;

/** A process that never sleeps on each processor; returns what ends them. */
function occupy(): () => void {
  const children = Array.from(
    { length: navigator.hardwareConcurrency },
    // deno-lint-ignore kerf/sys-only -- it has to be killed
    () => new Deno.Command("sh", { args: ["-c", "while :; do :; done"] }).spawn(),
  );
  return () => children.forEach((child) => child.kill("SIGKILL"));
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

for (const threads of new Set([1, navigator.hardwareConcurrency])) {
  const device = await openCpuDevice({ threads });
  const y = device.allocate(4 * ITEMS, "y");
  const call = median(await times(device, device.prepare([]), 1000));
  const barrier = median(await times(device, await program(device, y, 1), 1000)) / BARRIERS;
  const step = await program(device, y, 400);
  const quiet: number[] = [];
  const loaded: number[] = [];
  for (let round = 0; round < 4; round++) {
    quiet.push(...await times(device, step, 50));
    const release = occupy();
    await wait(100);
    loaded.push(...await times(device, step, 50));
    release();
    await wait(100);
  }
  console.log(
    `${device.name}: call ${
      (call * 1e3).toFixed(2)
    } µs, invocation of ${ITEMS} items and barrier ` +
      `${(barrier * 1e3).toFixed(2)} µs, step ${mean(quiet).toFixed(2)} ms (median ` +
      `${median(quiet).toFixed(2)}), with a busy process on every processor ` +
      `${mean(loaded).toFixed(2)} ms (median ${median(loaded).toFixed(2)}): ` +
      `${(mean(loaded) / mean(quiet)).toFixed(1)}×`,
  );
  device.close();
}
