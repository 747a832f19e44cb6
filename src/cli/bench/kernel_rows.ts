/**
 * The kernels of a step beside a machine's ceilings: times of invocations, added over the layers, and what share
 * of the ceilings their work took up.
 */

import type { Plan } from "../../engine/plan.ts";
import type { Ceilings } from "./ceilings.ts";
import { markdownTable } from "./markdown_table.ts";
import { median } from "./spread.ts";
import { itemsOf, workIn } from "./work.ts";
import type { StepShape } from "./work.ts";

/** A kernel of a step: all its invocations that do the same for different layers. */
export interface KernelRow {
  readonly step: string;
  readonly what: string;
  readonly kernel: string;
  readonly invocations: number;
  readonly ns: number;
  /** Of the whole step's time. */
  readonly share: number;
  /** Bytes and products a second, and what they are of the ceiling; null: none that count. */
  readonly bytes_s: number | null;
  readonly of_read: number | null;
  readonly macs_s: number | null;
  readonly of_macs: number | null;
}

/**
 * Kernels of one step from the times of several, invocation by invocation the median; then those that multiply bytes
 * together, and the whole step.
 */
export function kernelRows(
  plan: Plan,
  options: {
    readonly step: string;
    readonly times: readonly Float64Array[];
    readonly shape: StepShape;
    readonly ceilings: Ceilings;
  },
): KernelRow[] {
  const { step, times, shape, ceilings } = options;
  const workOf = workIn(plan);
  const groups = new Map<
    string,
    { what: string; kernel: string; n: number; ns: number } & Totals
  >();
  let waiting: Totals = { bytes: 0, macs: 0, byteMacs: 0 };
  let busiest: { what: string; kernel: string } | undefined;
  for (const [i, invocation] of plan.step.invocations.entries()) {
    if (itemsOf(invocation, shape.header) > 0) {
      const { bytes, macs, inBytes } = workOf(invocation, shape);
      waiting = add(waiting, { bytes, macs, byteMacs: inBytes ? macs : 0 });
      busiest = {
        what: invocation.label.replace(/^layer \d+ · /, ""),
        kernel: invocation.kernel.entry.signature.name,
      };
    }
    // Invocations that run side by side have one time.
    if (invocation.barrier === false) continue;
    const ns = median(times.map((time) => time[i]!));
    if (busiest) {
      const key = JSON.stringify(busiest);
      const group = groups.get(key) ?? { ...busiest, n: 0, ns: 0, bytes: 0, macs: 0, byteMacs: 0 };
      groups.set(key, { ...group, ...add(group, waiting), n: group.n + 1, ns: group.ns + ns });
    }
    [waiting, busiest] = [{ bytes: 0, macs: 0, byteMacs: 0 }, undefined];
  }
  const all = [...groups.values()];
  const together = (what: string, groups: typeof all) => ({
    ...groups.reduce((sum, group) => ({ ...add(sum, group), ns: sum.ns + group.ns }), {
      ...{ bytes: 0, macs: 0, byteMacs: 0, ns: 0 },
    }),
    ...{ what, kernel: "", n: groups.reduce((n, group) => n + group.n, 0) },
  });
  const inBytes = all.filter(({ byteMacs }) => byteMacs > 0);
  const total = together("the whole step", all);
  const products = inBytes.length > 0 ? [together("all products of bytes", inBytes)] : [];
  return [...all, ...products, total].map(({ what, kernel, n, ns, bytes, macs, byteMacs }) => {
    const seconds = ns / 1e9;
    // The least time that these products can take, at the ceilings of their kinds.
    const least = byteMacs / ceilings.byteMacs + (macs - byteMacs) / ceilings.f32Macs;
    return {
      ...{ step, what, kernel, invocations: n, ns, share: ns / total.ns },
      bytes_s: bytes > 0 ? bytes / seconds : null,
      of_read: bytes > 0 ? bytes / seconds / ceilings.readBytes : null,
      macs_s: macs > 0 ? macs / seconds : null,
      of_macs: macs > 0 ? least / seconds : null,
    };
  });
}

interface Totals {
  readonly bytes: number;
  readonly macs: number;
  readonly byteMacs: number;
}

const add = (a: Totals, b: Totals): Totals => ({
  bytes: a.bytes + b.bytes,
  macs: a.macs + b.macs,
  byteMacs: a.byteMacs + b.byteMacs,
});

/** Billions a second, for people. */
export const giga = (n: number | null) => n === null ? "" : (n / 1e9).toFixed(1);
const percent = (n: number | null) => n === null ? "" : `${(100 * n).toFixed(0)} %`;

/** The rows as a table of Markdown. */
export function kernelTable(rows: readonly KernelRow[]): string {
  return markdownTable(
    ["what", "kernel", "×", "ms", "share", "GB/s", "of read", "GMAC/s", "of peak"],
    rows.map((row) => [
      row.what,
      row.kernel,
      String(row.invocations),
      (row.ns / 1e6).toFixed(3),
      percent(row.share),
      giga(row.bytes_s),
      percent(row.of_read),
      giga(row.macs_s),
      percent(row.of_macs),
    ]),
    2,
  );
}
