/**
 * What a machine can do at most, measured by loops that do nothing else (ceilings.c): reading memory, multiplying
 * and adding f32 values, multiplying and adding bytes. They run as kernels of a device, so with its threads and its
 * instruction set; the best of several runs counts.
 */

import { join } from "@std/path";
import type { KernelEntry } from "../../core/manifest.ts";
import { STEP_FIELDS } from "../../core/signature.ts";
import type { Device, KernelRequest } from "../../device/types.ts";
import { ROOT } from "../root.ts";

/** The ceilings of one device, its threads together. */
export interface Ceilings {
  /** Bytes a second, read from a buffer. */
  readonly readBytes: number;
  /** Multiplications with their addition, f32, a second. */
  readonly f32Macs: number;
  /** The same of bytes with bytes, added in 32 bits. */
  readonly byteMacs: number;
}

const FILE = "src/cli/bench/ceilings.c";

const DEFINES = {
  /** Bytes of the buffer that one item reads. */
  READ_BYTES: 1 << 20,
  /** Rounds of an item's loop: some tenths of a millisecond. */
  ROUNDS: 20_000,
} as const;

/** Items of a loop that computes: enough that all threads end together. */
const ITEMS = 64;

function request(name: string, text: string): KernelRequest {
  const entry: KernelEntry = {
    signature: {
      name,
      bindings: [
        { name: "x", access: "read", dtype: "u32", shape: ["n"] },
        { name: "y", access: "write", dtype: "u32", shape: ["nItems", "4"] },
      ],
      constants: [],
      defines: Object.keys(DEFINES),
    },
    sources: {
      c: { file: FILE, sha256: "", template: "", grid: [{ of: { step: "nRows" } }] },
    },
    authored: [],
  };
  return { entry, text, defines: DEFINES };
}

/**
 * Measures a device's ceilings.
 *
 * @param options.bytes of the buffer that is read: as large as what a step reads
 */
export async function measureCeilings(
  device: Device,
  { bytes, repetitions }: { readonly bytes: number; readonly repetitions: number },
): Promise<Ceilings> {
  const { READ_BYTES } = DEFINES;
  const text = await Deno.readTextFile(join(ROOT, FILE));
  const names = ["ceiling_read", "ceiling_f32", "ceiling_bytes"];
  const kernels = await device.compile(names.map((name) => request(name, text)));
  const nStretches = Math.max(1, Math.floor(bytes / READ_BYTES));
  const x = device.allocate(nStretches * READ_BYTES, "ceilings' memory");
  const y = device.allocate(16 * Math.max(nStretches, ITEMS), "ceilings' results");
  // Pages that nobody wrote are all the same one.
  const stretch = new Uint8Array(READ_BYTES).fill(1);
  for (let i = 0; i < nStretches; i++) device.write(x, stretch, i * READ_BYTES);
  try {
    const best: number[] = [];
    for (const [i, kernel] of kernels.entries()) {
      const nItems = i === 0 ? nStretches : ITEMS;
      const buffers = { x: { buffer: x }, y: { buffer: y } };
      const program = device.prepare([{ kernel, label: "a ceiling", buffers, constants: {} }]);
      const step = Uint32Array.from(STEP_FIELDS, (name) => name === "nRows" ? nItems : 0);
      let least = Infinity;
      // The first one warms up.
      for (let run = 0; run <= repetitions; run++) {
        const start = performance.now();
        await device.run(program, step);
        if (run > 0) least = Math.min(least, performance.now() - start);
      }
      const [perItem] = new BigUint64Array((await device.read(y, 0, 8)).slice().buffer);
      best.push(1000 * nItems * Number(perItem) / least);
    }
    const [readBytes, f32Macs, byteMacs] = best as [number, number, number];
    return { readBytes, f32Macs, byteMacs };
  } finally {
    device.free(x);
    device.free(y);
  }
}
