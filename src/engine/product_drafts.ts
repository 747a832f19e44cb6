/**
 * Products of rows and matrices, and the norms between them. With q8 activations the inputs of matrices that are packed
 * as codes become codes; matrices of plain values stay products of f32 rows. Holds no arithmetic.
 */

import { PACKINGS } from "../core/packing.ts";
import { STEP_FIELDS } from "../core/signature.ts";
import type { BufferSlice } from "../device/types.ts";
import { logitGroups } from "./activations.ts";
import type { Draft } from "./draft.ts";
import type { DraftContext, LoadedMatrix } from "./draft_context.ts";
import type { ProductAppend } from "./product_append.ts";

const ALL_ROWS = STEP_FIELDS.indexOf("nRows");

/** Constants of a row-wise kernel that reads row input `input` and writes rows of the same width. */
export const rowConstants = (input: string, width: number, rowsField: number) => ({
  rows_field: rowsField,
  width,
  [`${input}_stride`]: width,
  [`${input}_offset`]: 0,
  y_stride: width,
  y_offset: 0,
});

/** Whether matrices that share an input take its rows as 8-bit codes. */
export const takeCodes = ({ arithmetic }: DraftContext, readers: readonly LoadedMatrix[]) =>
  arithmetic === "q8" && readers.every(({ packing }) => PACKINGS[packing].scaleType !== null);

/** Ends the names of kernels that read or write rows of 8-bit codes: where the input of `readers` is such. */
const codesSuffix = (context: DraftContext, readers: readonly LoadedMatrix[]) =>
  takeCodes(context, readers) ? "_q8" : "";

/** Normed rows, as `readers` take them: codes but for the rows' scales, which readers make of `sums`. */
export function normDraft(
  context: DraftContext,
  label: string,
  options: {
    x: BufferSlice;
    weight: BufferSlice;
    readers: readonly LoadedMatrix[];
    rowsField?: number;
  },
): Draft {
  const { config, activations } = context;
  const { x, weight, readers, rowsField = ALL_ROWS } = options;
  return {
    kernel: takeCodes(context, readers) ? "gain_q8" : "rms_norm",
    label,
    buffers: { x, weight, y: activations.normed, y_sums: activations.sums },
    constants: { ...rowConstants("x", config.dModel, rowsField), eps: config.rmsEps },
  };
}

/** y = x · Wᵀ for matrices that share x, rows as these take them; each writes its own columns of y. */
export function productDrafts(
  context: DraftContext,
  label: string,
  matrices: readonly LoadedMatrix[],
  options: {
    x: BufferSlice;
    y: BufferSlice;
    yStride: number;
    rowsField?: number;
    kernel?: "matmul" | "matmul_add" | "matmul_swiglu";
    /** Whether y becomes codes. */
    storesCodes?: boolean;
    /** Whether only the largest of each group of y is left, in the plan's buffers of these. */
    storesLargest?: boolean;
    /** What rows of y are appended to; none: they are stored. */
    appends?: ProductAppend | null;
  },
): Draft[] {
  const { x, y, yStride, rowsField = ALL_ROWS, kernel = "matmul" } = options;
  const { storesLargest, storesCodes, appends } = options;
  const stored = appends ? "_append" : storesLargest ? "_largest" : storesCodes ? "_q8" : "";
  const layout = appends ? `__${appends.layoutName}` : "";
  const head = `${kernel}${codesSuffix(context, matrices)}${stored}`;
  return matrices.map(({ packing, weight, nIn, nOut, firstOut }, i) => ({
    kernel: `${head}__${packing}${layout}`,
    label: matrices.length > 1 ? `${label} (${i + 1} of ${matrices.length})` : label,
    buffers: { x, x_sums: context.activations.sums, weight, y },
    constants: {
      eps: context.config.rmsEps,
      rows_field: rowsField,
      n_in: nIn,
      n_out: nOut,
      x_stride: nIn,
      y_stride: yStride,
      y_offset: firstOut,
      groups_stride: logitGroups(yStride),
    },
    ...(i < matrices.length - 1 ? { barrier: false } : {}),
  }));
}

/** A norm of a product's outputs, and the matrices that read it. */
export interface NextNorm {
  readonly gain: BufferSlice;
  readonly readers: readonly LoadedMatrix[];
}

/** Whether a product stores its outputs' norm too, as codes. */
export const storesNorm = (
  context: DraftContext,
  matrices: readonly LoadedMatrix[],
  next?: NextNorm,
) => next !== undefined && takeCodes(context, matrices) && takeCodes(context, next.readers);

/**
 * y = residual + x · Wᵀ for rows of x that are codes where `isCodes` says so, else f32, and the norm of y where
 * the product stores it. Two buffers: WebGPU lets no kernel read and write one through two bindings.
 */
export function addProductDrafts(
  context: DraftContext,
  label: string,
  matrices: readonly LoadedMatrix[],
  options: {
    x: BufferSlice;
    isCodes: boolean;
    residual: BufferSlice;
    y: BufferSlice;
    yStride: number;
    next?: NextNorm;
  },
): Draft[] {
  const { isCodes, residual, y, yStride, next } = options;
  const { normed, sums } = context.activations;
  const becomesCodes = !isCodes && takeCodes(context, matrices);
  const x = becomesCodes ? context.activations.codes : options.x;
  const storesCodes = storesNorm(context, matrices, next);
  const product = { x, y, yStride, kernel: "matmul_add", storesCodes } as const;
  return [
    ...(becomesCodes
      ? [{
        kernel: "quantize_q8",
        label: `${label}, codes of its input`,
        buffers: { x: options.x, y: x },
        constants: rowConstants("x", matrices[0]!.nIn, ALL_ROWS),
      }]
      : []),
    ...productDrafts(context, label, matrices, product).map((draft, i) => ({
      ...draft,
      buffers: {
        ...draft.buffers,
        residual,
        ...(next && storesCodes ? { gain: next.gain, y_codes: normed, y_sums: sums } : {}),
      },
      constants: {
        ...draft.constants,
        residual_stride: yStride,
        residual_offset: matrices[i]!.firstOut,
      },
    })),
  ];
}
