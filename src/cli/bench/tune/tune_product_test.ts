import { assert, assertEquals, assertThrows } from "@std/assert";
import { testDevice } from "../../../device/testing.ts";
import { TILES } from "../../../emit/targets/c/tiles.ts";
import { kernelTexts } from "../../../engine/kernel_texts.ts";
import { rendered } from "./candidates.ts";
import { knownProduct, largeProduct } from "./problems.ts";
import type { ProductKind } from "./stages.ts";
import { stagesOf } from "./stages.ts";
import type { Stage } from "./stages.ts";
import { tuneProduct } from "./tune_product.ts";

const SMALL = { nRows: 5, nIn: 96, nOut: 17 };

/** A product of f32 rows as its definition reads, wrong where a tile has seven rows. */
const NAIVE = `#include "kerf.h"
#include "kerf_native.h"
struct args {
  const float *x; const uint8_t *weight; float *y; const uint32_t *step;
  uint32_t rows_field, n_in, n_out, x_stride, y_stride, y_offset;
};
#include "kerf_tiles.h"
#define ROWS (KERF_F32_ROWS + KERF_Q8_ROWS * 0)
static void NAME(const void *of, uint32_t first, uint32_t last)
{
  const struct args *args = of;
  (void)first, (void)last;
  for (uint32_t i = 0; i < args->step[0] * args->n_out; i++) {
    const uint32_t row = i / args->n_out, output = i % args->n_out, lane = output % 16;
    const uint8_t *group = args->weight + output / 16 * args->n_in * 10;
    float sum = ROWS == 7 && i == 3 ? 1.0f : 0.0f;
    for (uint32_t k = 0; k < args->n_in; k++) {
      const uint8_t *block = group + k / 32 * 320;
      const uint16_t *scales = (const uint16_t *)block;
      const uint8_t pair = block[64 + k % 16 * 16 + lane];
      uint16_t both[16] = {scales[lane], scales[16 + lane]};
      const f32x16 wide = kerf_load16_f16(both);
      const float weight = kerf_fma(wide[0], k % 32 < 16 ? pair & 15 : pair >> 4, wide[1]);
      sum = kerf_fma(args->x[row * args->x_stride + k], weight, sum);
    }
    args->y[row * args->y_stride + output] = sum;
  }
}
KERF_EXPORT uint64_t NAME_address(void);
KERF_EXPORT uint64_t NAME_address(void) { return (uint64_t)(uintptr_t)NAME; }
`;

/** One item, whatever the size: items of a naive kernel would store the same outputs. */
async function naiveKernel() {
  const [known] = await kernelTexts(["matmul__q4_f16_g32"], { target: "c" });
  const { entry } = known!;
  const c = { ...entry.sources.c!, grid: [{ of: 1 }] };
  const text = NAIVE.replaceAll("NAME", entry.signature.name);
  return { entry: { ...entry, sources: { c } }, text };
}

const tile = (rows: readonly number[]): Stage => ({
  ...{ what: "rows", work: "rows" },
  candidates: (present) => rows.map((n) => ({ ...present, rows: n })),
});

async function tuned(rows: readonly number[], present = 12) {
  const table = { ...TILES, vnni: { ...TILES.vnni, f32: { ...TILES.vnni.f32, rows: present } } };
  const sets = Object.fromEntries(Object.keys(TILES).map((set) => [set, table.vnni]));
  const large = [largeProduct("f32", SMALL)];
  return await tuneProduct({
    ...{ device: await testDevice(), set: "vnni", kind: "f32", rounds: 3 },
    ...{ kernel: await naiveKernel(), table: sets as unknown as typeof TILES },
    ...{ stages: [tile(rows)], known: [knownProduct("f32", SMALL)] },
    large: { rows: large, row: large },
  });
}

Deno.test("a candidate whose results are wrong is told, and neither timed nor taken", async () => {
  const { rows, table } = await tuned([12, 7]);
  const [present, wrong] = rows;
  assertEquals(rows.length, 2);
  assertEquals([present!.fault, present!.taken, present!.ratio], [null, true, 1]);
  assert(present!.macs_s! > 0 && present!.bytes_s === null);
  assertEquals([wrong!.macs_s, wrong!.ratio, wrong!.taken], [null, null, false]);
  const { exact } = knownProduct("f32", SMALL);
  assert(wrong!.fault!.startsWith("5 × 96 by 17: y[3] is "), wrong!.fault!);
  assert(wrong!.fault!.endsWith(`, not ${exact[3]}`), wrong!.fault!);
  assertEquals(table.vnni.f32.rows, 12);
});

Deno.test("where the present shape is wrong nothing is timed", async () => {
  const { rows, table } = await tuned([12], 7);
  assertEquals(rows.map(({ macs_s, taken }) => [macs_s, taken]), [[null, false], [null, false]]);
  assertEquals(rows.map(({ fault }) => fault === null), [false, true]);
  assertEquals(table.vnni.f32.rows, 7);
});

Deno.test("a kernel without tiles is refused", async () => {
  const [kernel] = await kernelTexts(["arg_max"], { target: "c" });
  assertThrows(() => rendered(kernel!, TILES), TypeError, 'Cannot tune "arg_max": it has no tiles');
});

Deno.test("candidates keep to the registers, and the present shape is among them", () => {
  for (const [set, registers] of [["vnni", 32], ["v3", 16], ["portable", 16]] as const) {
    for (const kind of ["f32", "q8"] satisfies ProductKind[]) {
      const present = TILES[set][kind];
      for (const stage of stagesOf(set, kind)) {
        const candidates = stage.candidates(present);
        assert(candidates.length > 3, stage.what);
        assert(candidates.every(({ rows, vectors }) => (rows + 1) * vectors <= registers));
        const texts = candidates.map((shape) => JSON.stringify(shape));
        assert(texts.includes(JSON.stringify(present)), `${set} ${kind}: ${stage.what}`);
      }
    }
  }
});
