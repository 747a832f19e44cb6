/**
 * Every row-wise and pairwise kernel of kernels/ops/ on a GPU against the author's function in f64, over
 * widths around a work group, with strides wider than the rows.
 */

import { assert, assertEquals } from "@std/assert";
import type { Pairwise } from "../../src/dsl/pairwise.ts";
import { resolveParams } from "../../src/dsl/params.ts";
import type { Rowwise } from "../../src/dsl/rowwise.ts";
import { authorRunner } from "../../src/reference/hooks.ts";
import { assertClose } from "../_close.ts";
import { activations, randomFrom } from "../_kernel.ts";
import { gpuTest, runNamed, sources } from "../_gpu.ts";

/**
 * A thread adds every 128th element and the threads meet in a tree: n/128 + 7 roundings of terms that are
 * all positive. exp is within 4 units in the last place, division and square root within 2.5, and an
 * expression has a handful of them.
 */
const tolerance = (width: number) => (width / 128 + 7 + 24) * 2 ** -24;

/** Where eˣ overflows in f32, gate · up / eˣ is 0 and not what f64 has: at most 100 · 100 / 2¹²⁸. */
const OVERFLOWN = 2 ** -114;

/** A row's output by the author's functions, f64 [width]. */
function rowReference(
  definition: Rowwise,
  columns: Readonly<Record<string, Float32Array>>,
): Float64Array {
  const values = resolveParams(definition.name, definition.params);
  const reduces = definition.hooks.some((hook) => hook.path === "reduce");
  const reduced = reduces ? authorRunner(definition, "reduce")(columns, values)[0] : 0;
  const each = authorRunner(definition, "each");
  const width = Object.values(columns)[0]!.length;
  return Float64Array.from({ length: width }, (_, c) => {
    const elements = Object.fromEntries(Object.entries(columns).map(([name, v]) => [name, v[c]]));
    return each(elements, values, reduced)[0] as number;
  });
}

/** A row-wise kernel over rows of a width. */
export async function assertRowwise(
  definition: Rowwise,
  { nRows, width }: { readonly nRows: number; readonly width: number },
): Promise<void> {
  const { name, inputs, params } = definition;
  const random = randomFrom(nRows * 1000 + width);
  const listed = definition.rows === "listed";
  const nInput = listed ? nRows + 3 : nRows;
  const [stride, yStride] = [width + 5, width + 3];
  const data = Object.fromEntries(
    Object.entries(inputs).map(([input, kind]) => [
      input,
      activations(kind === "row" ? nInput * stride : width, random),
    ]),
  );
  const rowInputs = Object.keys(inputs).filter((input) => inputs[input] === "row");
  const order = Uint32Array.from({ length: nRows }, (_, i) => nInput - 1 - i);
  const { y } = await runNamed(name, {
    buffers: {
      ...data,
      ...(listed ? { rows: order } : {}),
      y: new Float32Array(nRows * yStride).fill(-7),
    },
    constants: {
      ...{ rows_field: listed ? 2 : 0, width, y_stride: yStride, y_offset: 2 },
      ...Object.fromEntries(
        rowInputs.flatMap((of) => [[`${of}_stride`, stride], [`${of}_offset`, 1]]),
      ),
      ...resolveParams(name, params),
    },
    step: listed ? { nLogits: nRows } : { nRows },
  });
  for (let r = 0; r < nRows; r++) {
    const from = (listed ? order[r]! : r) * stride + 1;
    const columns = Object.fromEntries(
      Object.entries(data).map(([input, values]) => [
        input,
        inputs[input] === "row" ? values.subarray(from, from + width) : values,
      ]),
    );
    const want = rowReference(definition, columns);
    assertClose(y.subarray(r * yStride + 2, r * yStride + 2 + width), want, {
      bound: (i) => tolerance(width) * Math.abs(want[i]!) + OVERFLOWN,
      label: `${name}, row ${r} of ${nRows} × ${width}`,
    });
  }
  const between = y.filter((_, i) => i % yStride < 2 || i % yStride === yStride - 1);
  assert(between.every((value) => value === -7), `${name}: a value was stored between rows`);
}

/** Row-wise kernels that store values. */
export const rowwiseValues = sources.flatMap(({ definition }) =>
  definition.kind === "rowwise" && (definition as Rowwise).stores.includes("f32")
    ? [definition as Rowwise]
    : []
);

for (const definition of rowwiseValues) {
  gpuTest(`${definition.name} agrees with its function`, async () => {
    for (const width of [1, 31, 33, 127, 128, 129, 576]) {
      await assertRowwise(definition as Rowwise, { nRows: 5, width });
    }
  });
}

/** A pairwise kernel over rows of heads. */
export async function assertPairwise(
  { name, pairing, ...rest }: Pairwise,
  { headDim, nHeads = 2 }: { readonly headDim: number; readonly nHeads?: number },
): Promise<void> {
  const rotate = authorRunner({ name, ...rest }, "rotate");
  const [nRows, nCtx] = [3, 50];
  const stride = nHeads * headDim + 7;
  const half = headDim / 2;
  const random = randomFrom(headDim);
  const given = activations(nRows * stride, random);
  const rope = Float32Array.from({ length: nCtx * headDim }, (_, i) => {
    const angle = Math.floor(i / headDim) * 100 ** (-(i % half) / half);
    return i % headDim < half ? Math.cos(angle) : Math.sin(angle);
  });
  const position = Uint32Array.of(0, 49, 7);
  const { x } = await runNamed(name, {
    buffers: { x: given, rope, row_position: position },
    constants: { n_heads: nHeads, x_stride: stride, x_offset: 4 },
    defines: { HEAD_DIM: headDim },
    step: { nRows },
  });
  const want = Float64Array.from(given);
  for (let i = 0; i < nRows * nHeads * half; i++) {
    const [r, h, c] = [Math.floor(i / half / nHeads), Math.floor(i / half) % nHeads, i % half];
    const at = r * stride + 4 + h * headDim;
    const [a, b] = pairing === "half" ? [at + c, at + half + c] : [at + 2 * c, at + 2 * c + 1];
    const angle = position[r]! * headDim + c;
    const pair = { a: given[a], b: given[b], cos: rope[angle], sin: rope[angle + half] };
    [want[a], want[b]] = rotate(pair) as [number, number];
  }
  // Two products of at most 100 and a sum, each rounded at most once.
  assertClose(x, want, { bound: 400 * 2 ** -24, label: `${name}, headDim ${headDim}` });
  assertEquals(x.slice(-3), given.slice(-3), "what lies between rows stays");
}

for (const { definition } of sources.filter((s) => s.definition.kind === "pairwise")) {
  gpuTest(`${definition.name} agrees with its function`, async () => {
    for (const headDim of [2, 64, 80, 128]) {
      await assertPairwise(definition as Pairwise, { headDim });
    }
  });
}
