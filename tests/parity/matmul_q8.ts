/**
 * Products of 8-bit codes as C against the reference, to the bit, and against the product in f64 of what the
 * codes stand for. Every instruction set must give the same bits, and a row's must not depend on the rows
 * beside it.
 */

import { PACKINGS } from "../../src/core/mod.ts";
import type { PackingName } from "../../src/core/mod.ts";
import { testIsas } from "../../src/device/testing.ts";
import type { Isa } from "../../src/device/testing.ts";
import { loadSources } from "../../src/emit/sources.ts";
import type { KernelSource } from "../../src/emit/types.ts";
import { projectRoot } from "../../src/sys/cache_dir.ts";
import { assertCorner, problem, runCorner } from "../_q8_product.ts";

const { sources } = await loadSources(projectRoot());
const products = sources.filter((s) => s.definition.kind === "matmul");

/** Around a tile of each width, a group of packed rows, a panel of 576 inputs and an item of 256 rows. */
const SHAPES: readonly { nIn: number; nRows: readonly number[]; nOut: readonly number[] }[] = [
  { nIn: 32, nRows: [1, 2, 4, 5, 7, 12, 13, 31, 257], nOut: [1, 16, 31, 48] },
  { nIn: 96, nRows: [1, 3, 33, 127], nOut: [33] },
  { nIn: 576, nRows: [1, 13], nOut: [31] },
  { nIn: 1536, nRows: [1, 3], nOut: [33] },
];
const EDGES = [{ nIn: 96, nRows: [1, 13, 31], nOut: [1, 31, 33] }];

async function assertShapes(
  source: KernelSource,
  packing: PackingName,
  options: { readonly shapes: typeof SHAPES; readonly isa?: Isa },
): Promise<void> {
  const { shapes, isa } = options;
  for (const { nIn, nRows, nOut } of shapes) {
    const full = problem(source, packing, {
      nIn,
      nRows: Math.max(...nRows),
      nOut: Math.max(...nOut),
    });
    for (const rows of nRows) {
      for (const outputs of nOut) {
        const corner = { nRows: rows, nOut: outputs };
        const y = await runCorner(full, corner, isa === undefined ? {} : { isa });
        assertCorner(y, full, { ...corner, about: `${full.name} ${isa ?? ""}` });
      }
    }
  }
}

const packings = Object.values(PACKINGS).filter(({ scaleType }) => scaleType !== null);
const [best, ...others] = await testIsas({ dots: true });

for (const source of products) {
  const { name } = source.definition;
  for (const { name: packing, scaleType } of packings) {
    // Types of scales differ in how they are loaded, which f32's kernels show.
    const shapes = name === "matmul" && scaleType === "f16" || packing === "q8_f32_g16"
      ? SHAPES
      : EDGES;
    Deno.test(`${name}_q8 ${packing}: the reference's bits`, () =>
      assertShapes(source, packing, { shapes, isa: best! }));
  }
}

const plain = products.find(({ definition }) => definition.name === "matmul")!;
for (const isa of others) {
  for (const packing of ["q4_f16_g32", "q8_f32_g16"] as const) {
    Deno.test(`matmul_q8 ${packing}: the same bits on ${isa}`, () =>
      assertShapes(plain, packing, { shapes: EDGES, isa }));
  }
}

Deno.test("matmul_q8: any number of threads gives the same bits", async () => {
  const shape = { nRows: 258, nIn: 96, nOut: 100 };
  const full = problem(plain, "q4_f16_g32", shape);
  for (const threads of [1, 2, 3]) {
    const y = await runCorner(full, shape, { threads });
    assertCorner(y, full, { ...shape, about: `${threads} threads` });
  }
});
