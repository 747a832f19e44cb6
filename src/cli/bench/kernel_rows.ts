/**
 * The kernels of a step beside a machine's ceilings: times of invocations, added over the layers, and what share
 * of the ceilings their work took up.
 */

import type { Plan } from "../../engine/plan.ts";
import type { Ceilings } from "./ceilings.ts";
import { markdownTable } from "./markdown_table.ts";
import { median } from "./spread.ts";
import { itemsOf, NO_WORK, PRODUCT_KINDS, workIn } from "./work.ts";
import type { ProductKind, StepShape, Work } from "./work.ts";

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
 * Kernels of one step from the times of several, invocation by invocation the median; then those together that
 * multiply bytes by a matrix's, and the whole step.
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
    { what: string; kernel: string; n: number; ns: number } & Work
  >();
  let waiting = NO_WORK;
  let busiest: { what: string; kernel: string } | undefined;
  for (const [i, invocation] of plan.step.invocations.entries()) {
    if (itemsOf(invocation, shape.header) > 0) {
      waiting = add(waiting, workOf(invocation, shape));
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
      const group = groups.get(key) ?? { ...busiest, n: 0, ns: 0, ...NO_WORK };
      groups.set(key, { ...group, ...add(group, waiting), n: group.n + 1, ns: group.ns + ns });
    }
    [waiting, busiest] = [NO_WORK, undefined];
  }
  const all = [...groups.values()];
  const together = (what: string, groups: typeof all) => ({
    ...groups.reduce((sum, group) => ({ ...add(sum, group), ns: sum.ns + group.ns }), {
      ...{ ...NO_WORK, ns: 0 },
    }),
    ...{ what, kernel: "", n: groups.reduce((n, group) => n + group.n, 0) },
  });
  const inBytes = all.filter(({ ofMatrix, macs }) => ofMatrix && macs.bytes > 0);
  const total = together("the whole step", all);
  const products = inBytes.length > 0 ? [together("all products of bytes", inBytes)] : [];
  return [...all, ...products, total].map(({ what, kernel, n, ns, bytes, macs: ofKinds }) => {
    const seconds = ns / 1e9;
    const macs = sumOf((kind) => ofKinds[kind]);
    // The least time that these products can take, at the ceilings of their kinds.
    const least = sumOf((kind) => ofKinds[kind] / ceilings.macs[kind]);
    return {
      ...{ step, what, kernel, invocations: n, ns, share: ns / total.ns },
      bytes_s: bytes > 0 ? bytes / seconds : null,
      of_read: bytes > 0 ? bytes / seconds / ceilings.readBytes : null,
      macs_s: macs > 0 ? macs / seconds : null,
      of_macs: macs > 0 ? least / seconds : null,
    };
  });
}

/** All kernels of attention in a step, in ns: partial softmaxes, and what joins them. */
export const attentionNs = (rows: readonly KernelRow[]): number =>
  rows.filter(({ what }) => what.startsWith("attention, ")).reduce((sum, { ns }) => sum + ns, 0);

const sumOf = (of: (kind: ProductKind) => number): number =>
  PRODUCT_KINDS.reduce((sum, kind) => sum + of(kind), 0);

const add = (a: Work, b: Work): Work => ({
  bytes: a.bytes + b.bytes,
  macs: {
    f32: a.macs.f32 + b.macs.f32,
    bf16: a.macs.bf16 + b.macs.bf16,
    bytes: a.macs.bytes + b.macs.bytes,
  },
  ofMatrix: a.ofMatrix || b.ofMatrix,
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
