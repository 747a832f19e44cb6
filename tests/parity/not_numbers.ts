/**
 * Rows of activations with an input that is no number, or too large for codes: every output of such a row is no number,
 * as products of f32 rows have it of the former, and the rows beside it keep their bits.
 */

import { assert, assertEquals } from "@std/assert";
import { Q8_INPUTS, q8RowBytes } from "../../src/core/quantized_row.ts";
import { testIsas } from "../../src/device/testing.ts";
import { packedWeights } from "../_weights.ts";
import { activations, randomFrom, runNamed } from "../_kernel.ts";

const [N_IN, N_OUT] = [96, 33];

/** Where a row of three blocks is no number: alone in a word, in two words, in every place, nowhere. */
const PLACES: readonly (readonly number[])[] = [
  ...Array.from({ length: Q8_INPUTS }, (_, place) => [Q8_INPUTS + place]),
  [1, 2],
  [0, 31],
  [5, 70],
  Array.from({ length: N_IN }, (_, place) => place),
  [],
];

/** Alone in its word it is 256 times the least that has no scale, 127 · 2^95, and some more. */
const TOO_LARGE = 2e33;

for (const isa of await testIsas({ dots: true })) {
  Deno.test(`what is no number stays none through codes on ${isa}`, async () => {
    const nRows = PLACES.length;
    const plain = activations(nRows * N_IN, randomFrom(3));
    const product = async (x: Float32Array<ArrayBuffer>) => {
      const { y: codes } = await runNamed("quantize_q8", {
        isa,
        buffers: { x, y: new Uint8Array(nRows * q8RowBytes(N_IN)) },
        constants: {
          rows_field: 0,
          width: N_IN,
          x_stride: N_IN,
          x_offset: 0,
          y_stride: N_IN,
          y_offset: 0,
        },
        step: { nRows },
      });
      const { y } = await runNamed("matmul_add_q8__q4_f16_g32", {
        isa,
        buffers: {
          x: codes!,
          weight: packedWeights("q4_f16_g32", { nOut: N_OUT, nIn: N_IN }, 7),
          residual: new Float32Array(nRows * N_OUT),
          y: new Float32Array(nRows * N_OUT),
        },
        constants: {
          ...{ rows_field: 0, n_in: N_IN, n_out: N_OUT, x_stride: N_IN },
          ...{ y_stride: N_OUT, y_offset: 0, residual_stride: N_OUT, residual_offset: 0 },
        },
        step: { nRows },
      });
      return y!;
    };
    const want = await product(plain);
    assert(want.every(Number.isFinite));
    for (const value of [NaN, TOO_LARGE]) {
      const odd = plain.slice();
      PLACES.forEach((places, row) => {
        for (const place of places) {
          odd[row * N_IN + place] = value;
          want.fill(NaN, row * N_OUT, (row + 1) * N_OUT);
        }
      });
      assertEquals(await product(odd), want, `${value}`);
    }
  });
}
