/**
 * What a machine can do at most, measured by loops that do nothing else (ceilings.c): reading memory, multiplying
 * and adding f32 values, pairs of bf16 values, bytes. They run as kernels of a device, so with its threads and its
 * instruction set.
 */

import { join } from "@std/path";
import type { KernelEntry } from "../../core/manifest.ts";
import { STEP_FIELDS } from "../../core/signature.ts";
import type { Device, KernelRequest } from "../../device/types.ts";
import { ROOT } from "../root.ts";
import { PRODUCT_KINDS } from "./work.ts";
import type { ProductKind } from "./work.ts";

/** The ceilings of one device, its threads together. */
export interface Ceilings {
  /** Bytes a second, read from a buffer. */
  readonly readBytes: number;
  /**
   * Multiplications with their addition a second, by what is multiplied: f32 values; bf16 values, summed in f32,
   * which are f32 values where no instruction takes them; bytes, summed in 32 bits.
   */
  readonly macs: Readonly<Record<ProductKind, number>>;
}

/** A loop on a device, ready to run. */
export interface CeilingLoop {
  /** Runs it once. @returns what it did a second: bytes or products */
  run(): Promise<number>;
  [Symbol.dispose](): void;
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
 * The loop that reads a buffer end to end.
 *
 * @param bytes of the buffer: as large as what a step reads
 */
export const openReading = (device: Device, bytes: number): Promise<CeilingLoop> =>
  openLoop(device, "read", Math.max(1, Math.floor(bytes / DEFINES.READ_BYTES)));

/** A loop of ceilings.c; those that multiply read nothing. */
async function openLoop(
  device: Device,
  name: "read" | ProductKind,
  nItems: number,
): Promise<CeilingLoop> {
  const { READ_BYTES } = DEFINES;
  const nStretches = name === "read" ? nItems : 1;
  const text = await Deno.readTextFile(join(ROOT, FILE));
  const [kernel] = await device.compile([request(`ceiling_${name}`, text)]);
  const x = device.allocate(nStretches * READ_BYTES, "ceilings' memory");
  const y = device.allocate(16 * nItems, "ceilings' results");
  // Pages that nobody wrote are all the same one.
  const stretch = new Uint8Array(READ_BYTES).fill(1);
  for (let i = 0; i < nStretches; i++) device.write(x, stretch, i * READ_BYTES);
  const buffers = { x: { buffer: x }, y: { buffer: y } };
  const program = device.prepare([{ kernel: kernel!, label: name, buffers, constants: {} }]);
  const step = Uint32Array.from(STEP_FIELDS, (field) => field === "nRows" ? nItems : 0);
  return {
    async run() {
      const start = performance.now();
      await device.run(program, step);
      const seconds = (performance.now() - start) / 1000;
      const [perItem] = new BigUint64Array((await device.read(y, 0, 8)).slice().buffer);
      return nItems * Number(perItem) / seconds;
    },
    [Symbol.dispose]() {
      device.free(x);
      device.free(y);
    },
  };
}

/** The best of several runs, behind one that warms up. */
async function best(opening: Promise<CeilingLoop>, repetitions: number): Promise<number> {
  using loop = await opening;
  await loop.run();
  let most = 0;
  for (let run = 0; run < repetitions; run++) most = Math.max(most, await loop.run());
  return most;
}

/**
 * Measures a device's ceilings, the best of several runs each.
 *
 * @param options.bytes of the buffer that is read: as large as what a step reads
 */
export async function measureCeilings(
  device: Device,
  { bytes, repetitions }: { readonly bytes: number; readonly repetitions: number },
): Promise<Ceilings> {
  const readBytes = await best(openReading(device, bytes), repetitions);
  const macs: [ProductKind, number][] = [];
  for (const kind of PRODUCT_KINDS) {
    macs.push([kind, await best(openLoop(device, kind, ITEMS), repetitions)]);
  }
  return { readBytes, macs: Object.fromEntries(macs) as Record<ProductKind, number> };
}
