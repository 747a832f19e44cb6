/**
 * The best shape of one kind of product on one device: stage by stage, from the present one. Another shape is
 * taken only where it was faster twice: among all of its stage, and against the present one alone.
 */

import type { Device } from "../../../device/types.ts";
import type { TileSet, TileShape, TileTable } from "../../../emit/targets/c/tile_shape.ts";
import type { KernelText } from "../../../engine/rendered_texts.ts";
import { median } from "../spread.ts";
import { fault, rendered, times, withShape } from "./candidates.ts";
import type { Times } from "./candidates.ts";
import type { KnownProduct, Product } from "./problems.ts";
import type { ProductKind, Stage } from "./stages.ts";

/** One candidate. */
export interface TuneRow {
  readonly set: TileSet;
  readonly product: ProductKind;
  readonly stage: string;
  readonly candidate: TileShape;
  /** What is wrong with its results; null: it was verified. */
  readonly fault: string | null;
  /** Multiplications with their addition a second; null: not timed. */
  readonly macs_s: number | null;
  /** Bytes of weights a second, read by one row. */
  readonly bytes_s: number | null;
  /** The present shape's processor time over this one's, the median of the rounds. */
  readonly ratio: number | null;
  /** Whether it is what the next stage starts from. */
  readonly taken: boolean;
}

/** What to tune, and on what. */
export interface TuneOptions {
  readonly device: Device;
  readonly set: TileSet;
  readonly kind: ProductKind;
  readonly kernel: KernelText;
  readonly table: TileTable;
  readonly stages: readonly Stage[];
  readonly known: readonly KnownProduct[];
  readonly large: Readonly<Record<Stage["work"], readonly Product[]>>;
  readonly rounds: number;
  readonly onProgress?: (what: string) => void;
}

/** How much faster another shape must be, both times: what two measurements of one shape differ by at most. */
const GAIN = 1.02;

const ratioOf = (present: Times, own: Times): number =>
  median(own.processor.map((ms, round) => present.processor[round]! / ms));

const same = (a: TileShape, b: TileShape) => JSON.stringify(a) === JSON.stringify(b);

/** @returns the table with the best shape, and what was tried in order */
export async function tuneProduct(
  options: TuneOptions,
): Promise<{ readonly table: TileTable; readonly rows: readonly TuneRow[] }> {
  const { set, kind, stages } = options;
  let table = options.table;
  const rows: TuneRow[] = [];
  for (const stage of stages) {
    const tried = await tuneStage(stage, { ...options, table });
    rows.push(...tried);
    const taken = tried.find((row) => row.taken);
    if (taken) table = withShape(table, { set, kind, shape: taken.candidate });
  }
  return { table, rows };
}

async function tuneStage(stage: Stage, options: TuneOptions): Promise<TuneRow[]> {
  const { device, set, kind, kernel, table, known, large, rounds } = options;
  const present = table[set][kind];
  const others = stage.candidates(present).filter((shape) => !same(shape, present));
  const shapes = [present, ...others];
  options.onProgress?.(`${set} ${kind}: ${stage.what}`);
  const compiled = await device.compile(
    shapes.map((shape) => rendered(kernel, withShape(table, { set, kind, shape }))),
  );
  const faults: (string | undefined)[] = [];
  for (const candidate of compiled) faults.push(await fault(device, candidate, known));
  const sound = shapes.map((_, i) => i).filter((i) => faults[i] === undefined);
  const products = large[stage.work];
  const time = async (indices: readonly number[]) => {
    const kernels = indices.map((i) => compiled[i]!);
    const all = await times(device, kernels, { products, rounds });
    return new Map(indices.map((index, i) => [index, all[i]!]));
  };
  // Without the present shape there is nothing to compare with.
  const measured = sound.includes(0) ? await time(sound) : new Map<number, Times>();
  const ratio = (i: number) => ratioOf(measured.get(0)!, measured.get(i)!);
  const [best = 0] = [...measured.keys()].sort((a, b) => ratio(b) - ratio(a));
  let taken = 0;
  if (best !== 0 && ratio(best) >= GAIN) {
    const again = await time([0, best]);
    if (ratioOf(again.get(0)!, again.get(best)!) >= GAIN) taken = best;
  }
  const work = { macs: 0, bytes: 0 };
  for (const { nRows, nIn, nOut, buffers } of products) {
    work.macs += nRows * nIn * nOut;
    work.bytes += buffers.weight.byteLength;
  }
  return shapes.map((candidate, i) => {
    const own = measured.get(i);
    const seconds = own ? median(own.elapsed) / 1000 : null;
    const rate = (amount: number) => seconds === null ? null : amount / seconds;
    return {
      ...{ set, product: kind, stage: stage.what, candidate, fault: faults[i] ?? null },
      macs_s: stage.work === "rows" ? rate(work.macs) : null,
      bytes_s: stage.work === "row" ? rate(work.bytes) : null,
      ...{ ratio: own ? ratio(i) : null, taken: i === taken && own !== undefined },
    };
  });
}
