/**
 * Every row-wise and pairwise kernel of kernels/ops/ as C against the author's function in f64 and the
 * interpreter in f32, over row counts and widths around the lanes, with strides wider than the rows.
 */

import { assert, assertEquals } from "@std/assert";
import type { Pairwise } from "../../src/dsl/pairwise.ts";
import { resolveParams } from "../../src/dsl/params.ts";
import type { Rowwise, StoredAs } from "../../src/dsl/rowwise.ts";
import { testIsas } from "../../src/device/testing.ts";
import type { Isa } from "../../src/device/testing.ts";
import { loadSources } from "../../src/emit/sources.ts";
import type { KernelSource } from "../../src/emit/types.ts";
import {
  blockSums,
  quantizedBytes,
  quantizeRows,
  rotateReference,
  rowwiseReference,
} from "../../src/reference/mod.ts";
import { projectRoot } from "../../src/sys/cache_dir.ts";
import { bothHooks } from "../_hooks.ts";
import { activations, randomFrom, runNamed } from "../_kernel.ts";

const { sources } = await loadSources(projectRoot());
const isas = await testIsas();

/**
 * Neither reference adds in the lanes' order, so both get the same tolerance.
 * Sums of n f32 in sixteen lanes and a tree are off by at most (n/16 + 4)·2⁻²⁴, relative to Σ|x|, which is
 * the sum where all terms are positive; an expression adds a handful of roundings and two of 2 ulp.
 */
const tolerance = (width: number) => (width / 16 + 16) * 2 ** -24;

/** Where eˣ overflows in f32, gate · up / eˣ is 0 and not what f64 has: at most 100 · 100 / 2¹²⁸. */
const OVERFLOWN = 2 ** -114;

function assertClose(actual: number, expected: number, rtol: number, about: string): void {
  const close = Math.abs(actual - expected) <= rtol * Math.abs(expected) + OVERFLOWN;
  assert(close, `${about}: ${actual}, not ${expected}`);
}

async function assertRowwise(
  source: KernelSource,
  shape: { nRows: number; width: number; isa: Isa },
) {
  const { nRows, width, isa } = shape;
  const { name, inputs, params: specs, rows } = source.definition as Rowwise;
  const random = randomFrom(nRows * 1000 + width);
  const listed = rows === "listed";
  const nInput = listed ? nRows + 3 : nRows;
  const stride = width + 5;
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
      y: new Float32Array(nRows * (width + 3)).fill(-7),
    },
    constants: {
      ...{ rows_field: listed ? 2 : 0, width, y_stride: width + 3, y_offset: 2 },
      ...Object.fromEntries(
        rowInputs.flatMap((of) => [[`${of}_stride`, stride], [`${of}_offset`, 1]]),
      ),
      ...resolveParams(name, specs),
    },
    step: listed ? { nLogits: nRows } : { nRows },
    isa,
  });
  for (let r = 0; r < nRows; r++) {
    const from = (listed ? order[r]! : r) * stride + 1;
    const columns = Object.fromEntries(
      Object.entries(data).map(([input, values]) => [
        input,
        inputs[input] === "row" ? values.subarray(from, from + width) : values,
      ]),
    );
    const [definition, params] = [source.definition as Rowwise, resolveParams(name, specs)];
    bothHooks(source).forEach((hooks, which) =>
      rowwiseReference({ definition, hooks, columns, params }).forEach((expected, c) =>
        assertClose(
          y![r * (width + 3) + 2 + c]!,
          expected,
          tolerance(width),
          `${name} ${isa}, ${nRows} × ${width}, reference ${which}: y[${r}][${c}]`,
        )
      )
    );
  }
  const between = y!.filter((_, i) => i % (width + 3) < 2 || i % (width + 3) === width + 2);
  assert(between.every((value) => value === -7), `${name}: a value was stored between rows`);
}

const rowwise = (as: StoredAs) =>
  sources.filter(({ definition }) =>
    definition.kind === "rowwise" && (definition as Rowwise).stores.includes(as)
  );

for (const source of rowwise("f32")) {
  for (const isa of isas) {
    Deno.test(`${source.definition.name} agrees with its references (${isa})`, async () => {
      for (const width of [1, 15, 16, 31, 33, 127, 576]) {
        await assertRowwise(source, { nRows: 5, width, isa });
      }
      await assertRowwise(source, { nRows: 1, width: 64, isa });
    });
  }
}

/** A kernel that stores codes: those of each element as the interpreter has it, and sums where it leaves some. */
async function assertQuantized(
  source: KernelSource,
  { nRows, width, isa }: { nRows: number; width: number; isa: Isa },
) {
  const { name, inputs, params: specs } = source.definition as Rowwise;
  const random = randomFrom(nRows * 1000 + width);
  const buffers = Object.fromEntries(
    Object.entries(inputs).map(([input, kind]) => [
      input,
      activations(kind === "row" ? nRows * width : width, random),
    ]),
  );
  // A block of zeros, one of numbers too small for a scale, one large enough to overflow when squared; and
  // blocks around the last number of a scale, of which one word is wide.
  const first = Object.values(buffers)[0]!;
  first.fill(0, 0, 32).fill(2 ** -130, 32, 64).fill(2 ** 70, -1);
  const edges = [127 * 2 ** -5, 127 * 2 ** -5 + 2 ** -22, 126.75 * 2 ** -5, 2 ** 60, 2 ** -100];
  if (width > 96) edges.forEach((edge, i) => first.fill(edge, 64 + 32 * i, 96 + 32 * i));
  const rowInputs = Object.keys(inputs).filter((input) => inputs[input] === "row");
  const constants = {
    ...{ rows_field: 0, width, y_stride: width, y_offset: 0 },
    ...Object.fromEntries(
      rowInputs.flatMap((of) => [[`${of}_stride`, width], [`${of}_offset`, 0]]),
    ),
    ...resolveParams(name, specs),
  };
  const [, { each, summed }] = bothHooks(source);
  const elements = (i: number) =>
    Object.fromEntries(
      Object.entries(buffers).map(([input, of]) => [
        input,
        of[inputs[input] === "row" ? i : i % width]!,
      ]),
    );
  const values = Float32Array.from(
    { length: nRows * width },
    (_, i) => each!(elements(i), {}, 0)[0] as number,
  );
  const want = {
    y: quantizedBytes(quantizeRows(values)),
    ...(summed
      ? { y_sums: blockSums(values.map((_, i) => summed(elements(i))[0] as number), width) }
      : {}),
  };
  const written = await runNamed(`${name}_q8`, {
    ...{ constants, step: { nRows }, isa },
    buffers: {
      ...buffers,
      y: new Uint8Array(want.y.length),
      ...(summed ? { y_sums: want.y_sums!.slice().fill(NaN) } : {}),
    },
  });
  assertEquals(written, want, `${name}_q8 ${isa}, ${nRows} × ${width}`);
}

for (const source of rowwise("q8")) {
  for (const isa of isas) {
    Deno.test(`${source.definition.name} gives the nearest codes (${isa})`, async () => {
      for (const width of [64, 96, 576]) await assertQuantized(source, { nRows: 3, width, isa });
    });
  }
}

async function assertPairwise(
  source: KernelSource,
  { headDim, isa }: { headDim: number; isa: Isa },
) {
  const { name, pairing } = source.definition as Pairwise;
  const [nRows, nHeads, nCtx] = [3, 2, 50];
  const stride = nHeads * headDim + 7;
  const half = headDim / 2;
  const random = randomFrom(headDim);
  const x = activations(nRows * stride, random);
  const rope = Float32Array.from({ length: nCtx * headDim }, (_, i) => {
    const angle = Math.floor(i / headDim) * 100 ** (-(i % half) / half);
    return i % headDim < half ? Math.cos(angle) : Math.sin(angle);
  });
  const position = Uint32Array.of(0, 49, 7);
  const written = await runNamed(name, {
    buffers: { x, rope, row_position: position },
    constants: { n_heads: nHeads, x_stride: stride, x_offset: 4 },
    defines: { HEAD_DIM: headDim },
    step: { nRows },
    isa,
  });
  const expected = bothHooks(source).map(({ rotate }) => {
    const whole = Float64Array.from(x);
    for (let r = 0; r < nRows; r++) {
      const angles = rope.subarray(position[r]! * headDim).subarray(0, headDim);
      for (let h = 0; h < nHeads; h++) {
        const at = r * stride + 4 + h * headDim;
        const head = x.subarray(at, at + headDim);
        whole.set(rotateReference(head, { pairing, rotate: rotate!, rope: angles }), at);
      }
    }
    return whole;
  });
  written.x!.forEach((actual, i) => {
    const about = `${name} ${isa}, headDim ${headDim}: x[${i}]`;
    // Without contraction the interpreter does the same roundings.
    assert(Object.is(actual, expected[1]![i]), `${about}: ${actual}, not ${expected[1]![i]}`);
    // Two products of at most 100 and a sum, each rounded.
    const error = Math.abs(actual - expected[0]![i]!);
    assert(error <= 400 * 2 ** -24, `${about}: ${actual}, not ${expected[0]![i]}`);
  });
}

for (const source of sources.filter((s) => s.definition.kind === "pairwise")) {
  for (const isa of isas) {
    Deno.test(`${source.definition.name} agrees with its references (${isa})`, async () => {
      for (const headDim of [2, 32, 64, 80, 128]) await assertPairwise(source, { headDim, isa });
    });
  }
}
