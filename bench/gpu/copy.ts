/**
 * The bandwidth that other figures are held against: a copy from memory to memory by the driver's own
 * means. A copy of n bytes reads n and writes n.
 */

import type { Device } from "../../src/device/mod.ts";
import { repeated } from "./random_model.ts";
import { median, wallMs } from "./time.ts";

/** A measured copy. */
export interface CopyResult {
  /** Copied: as many are read and as many written. */
  readonly bytes: number;
  readonly ms: number;
  /** Read and written. */
  readonly bytesPerSecond: number;
}

/** Copies between two looks at the clock: waiting for their end is then a small part. */
const COPIES = 20;

/** Measures copies of `bytes` bytes. @throws {Error} a copy is not what was copied */
export async function measureCopy(
  device: Device,
  { bytes, nRuns }: { bytes: number; nRuns: number },
): Promise<CopyResult> {
  const piece = Uint8Array.from({ length: 4093 * 4 }, (_, i) => Math.imul(i, 2654435761) >>> 24);
  const buffer = repeated(device, { piece, bytes: 2 * bytes, label: "copy" });
  try {
    const copies = async () => {
      for (let i = 0; i < COPIES; i++) device.copy(buffer, { from: 0, to: bytes, bytes });
      await device.read(buffer, 0, 4);
    };
    await copies();
    const samples: number[] = [];
    for (let i = 0; i < nRuns; i++) samples.push(await wallMs(copies) / COPIES);
    const [from, to] = [await device.read(buffer, 0, 4096), await device.read(buffer, bytes, 4096)];
    if (from.some((byte, i) => byte !== to[i])) throw new Error("the device copies wrongly");
    const ms = median(samples);
    return { bytes, ms, bytesPerSecond: 2 * bytes / (ms / 1000) };
  } finally {
    device.free(buffer);
  }
}
