/**
 * Kernels with a candidate's shape in place of the table's: rendered, compiled, held to the references, and only
 * then timed, all of a stage in turns, so that a machine whose speed drifts slows all of them alike.
 */

import process from "node:process";
import { STEP_FIELDS } from "../../../core/signature.ts";
import { runCompiled } from "../../../device/run_kernel.ts";
import type { CompiledKernel, Device, KernelRequest, Program } from "../../../device/types.ts";
import { tileHeader } from "../../../emit/targets/c/tile_shape.ts";
import type { TileSet, TileShape, TileTable } from "../../../emit/targets/c/tile_shape.ts";
import type { KernelText } from "../../../engine/rendered_texts.ts";
import type { KnownProduct, Product } from "./problems.ts";
import type { ProductKind } from "./stages.ts";

/** What generated kernels say where the table belongs. */
const INCLUDE = '#include "kerf_tiles.h"\n';

/** The table with one shape in place of its own. */
export const withShape = (
  table: TileTable,
  { set, kind, shape }: {
    readonly set: TileSet;
    readonly kind: ProductKind;
    readonly shape: TileShape;
  },
): TileTable => ({ ...table, [set]: { ...table[set], [kind]: shape } });

/**
 * A kernel with a table of its own.
 *
 * @throws {TypeError} the kernel reads none
 */
export function rendered({ entry, text }: KernelText, table: TileTable): KernelRequest {
  if (!text.includes(INCLUDE)) {
    throw new TypeError(`Cannot tune "${entry.signature.name}": it has no tiles`);
  }
  return { entry, text: text.replace(INCLUDE, () => tileHeader(table)), defines: {} };
}

/** A stage of slow kernels ends after so long, but not before so many rounds. */
const STAGE_MS = 3000;
const LEAST_ROUNDS = 3;

const stepOf = (nRows: number) => Uint32Array.from(STEP_FIELDS, (f) => f === "nRows" ? nRows : 0);

/** What is wrong with a kernel's results, the first of it; undefined: nothing. */
export async function fault(
  device: Device,
  kernel: CompiledKernel,
  products: readonly KnownProduct[],
): Promise<string | undefined> {
  for (const { buffers, constants, nRows, nIn, nOut, exact, wide, bound } of products) {
    const { y } = await runCompiled(device, kernel, { buffers, constants, step: { nRows } });
    for (const [i, value] of (y as Float32Array).entries()) {
      const where = `${nRows} × ${nIn} by ${nOut}: y[${i}] is ${value}`;
      if (!Object.is(value + 0, exact[i]! + 0)) return `${where}, not ${exact[i]}`;
      const error = Math.abs(value - wide[i]!);
      if (!(error <= bound(i))) return `${where}, off by ${error}, more than ${bound(i)}`;
    }
  }
}

/** What a kernel took for all products, round by round, in milliseconds. */
export interface Times {
  readonly elapsed: number[];
  /** Of all threads: company on the machine changes it least. */
  readonly processor: number[];
}

const processorMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** Times each kernel, in turns: `rounds` of them, or fewer where they take long. */
export async function times(
  device: Device,
  kernels: readonly CompiledKernel[],
  { products, rounds }: { readonly products: readonly Product[]; readonly rounds: number },
): Promise<Times[]> {
  const bound = products.map((product) => {
    const buffers = Object.entries(product.buffers).map(([name, data]) => {
      const buffer = device.allocate(Math.ceil(data.byteLength / 4) * 4, name);
      device.write(buffer, data);
      return [name, { buffer }] as const;
    });
    return { ...product, buffers: Object.fromEntries(buffers), step: stepOf(product.nRows) };
  });
  const run = async (programs: readonly Program[], into?: Times) => {
    const [start, startCpu] = [performance.now(), processorMs()];
    for (const [i, program] of programs.entries()) await device.run(program, bound[i]!.step);
    into?.processor.push(processorMs() - startCpu);
    into?.elapsed.push(performance.now() - start);
  };
  try {
    const prepared = kernels.map((kernel) =>
      bound.map(({ buffers, constants }) =>
        device.prepare([{ kernel, label: "a candidate", buffers, constants }])
      )
    );
    for (const programs of prepared) await run(programs);
    const all: Times[] = kernels.map(() => ({ elapsed: [], processor: [] }));
    const end = performance.now() + STAGE_MS;
    for (let round = 0; round < rounds; round++) {
      if (round >= LEAST_ROUNDS && performance.now() > end) break;
      // Each round begins with another one: nobody always runs behind the same neighbour.
      for (let i = 0; i < kernels.length; i++) {
        const at = (i + round) % kernels.length;
        await run(prepared[at]!, all[at]!);
      }
    }
    return all;
  } finally {
    for (const { buffers } of bound) {
      for (const { buffer } of Object.values(buffers)) device.free(buffer);
    }
  }
}
