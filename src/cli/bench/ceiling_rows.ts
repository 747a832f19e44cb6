/** A machine's ceilings, of every instruction set that it has, on one thread and on several. */

import { isaName } from "../../device/cpu/isa.ts";
import { machineIsas } from "../../device/cpu/machine_isas.ts";
import { openCpuDevice } from "../../device/cpu/device.ts";
import type { Device } from "../../device/types.ts";
import { measureCeilings } from "./ceilings.ts";
import { giga } from "./kernel_rows.ts";
import { markdownTable } from "./markdown_table.ts";

/** The ceilings of one instruction set on some threads. */
export interface CeilingRow {
  readonly ceiling: string;
  readonly n_threads: number;
  readonly read_bytes_s: number;
  readonly f32_macs_s: number;
  readonly bf16_macs_s: number;
  readonly byte_macs_s: number;
}

/** The rows as a table of Markdown. */
export function ceilingTable(rows: readonly CeilingRow[]): string {
  return markdownTable(
    ["instruction set", "threads", "read GB/s", "f32 GMAC/s", "bf16 GMAC/s", "byte GMAC/s"],
    rows.map((row) => [
      row.ceiling,
      String(row.n_threads),
      ...[row.read_bytes_s, row.f32_macs_s, row.bf16_macs_s, row.byte_macs_s].map(giga),
    ]),
    1,
  );
}

/** Measures the instruction sets from `best`'s on down, on one thread and on `threads`. */
export async function ceilingRows(
  options: { readonly bytes: number; readonly repetitions: number; readonly threads: number },
  best: Device,
): Promise<CeilingRow[]> {
  const rows: CeilingRow[] = [];
  const isas = await machineIsas();
  const first = isas.findIndex((isa) => best.name.includes(isaName(isa)));
  for (const isa of isas.slice(first)) {
    for (const threads of new Set([1, options.threads])) {
      const device = await openCpuDevice({ isa, threads });
      try {
        const { readBytes, macs } = await measureCeilings(device, options);
        rows.push({
          ...{ ceiling: isaName(isa), n_threads: threads, read_bytes_s: readBytes },
          ...{ f32_macs_s: macs.f32, bf16_macs_s: macs.bf16, byte_macs_s: macs.bytes },
        });
      } finally {
        device.close();
      }
    }
  }
  return rows;
}
