/**
 * What an invocation of a plan has to read and to multiply in a step, from the plan's own data: the matrices
 * it binds, the cache it reads. Kernels that do neither have no work here, only time.
 */

import type { StepField } from "../../core/signature.ts";
import { STEP_FIELDS } from "../../core/signature.ts";
import type { BufferSlice, Invocation } from "../../device/types.ts";
import type { Plan } from "../../engine/plan.ts";
import { matrixBytes } from "../../engine/weights.ts";
import { PACKINGS } from "../../core/packing.ts";

/** The work of one invocation. */
export interface Work {
  /** Read at least once: weights, or the cache's rows. */
  readonly bytes: number;
  /** Multiplications with their addition. */
  readonly macs: number;
  /** Whether bytes are multiplied with bytes; else f32 values. */
  readonly inBytes: boolean;
}

/** A step, as far as work depends on it. */
export interface StepShape {
  readonly header: Uint32Array;
  /** Rows already cached. */
  readonly nDepth: number;
  /** Bytes of the cache's rows of one layer, this step's included. */
  readonly layerBytes: number;
}

const NO_WORK: Work = { bytes: 0, macs: 0, inBytes: false };

/** Work items of an invocation; 0: it does nothing in this step. */
export function itemsOf({ kernel, constants }: Invocation, header: Uint32Array): number {
  const field = (name: StepField) => header[STEP_FIELDS.indexOf(name)]!;
  const grid = kernel.entry.sources.c?.grid ?? [];
  return grid.reduce((items, { of, per = 1 }) => {
    const value = typeof of === "number"
      ? of
      : "constant" in of
      ? constants[of.constant]!
      : "step" in of
      ? field(of.step)
      : header[constants[of.stepAt]!]!;
    return items * Math.ceil(value / per);
  }, 1);
}

/** A function from a plan's invocations to their work. */
export function workIn({ inputs, context }: Plan): (i: Invocation, step: StepShape) => Work {
  const { matrices } = inputs.weights;
  const matrixAt = ({ buffer, offset = 0 }: BufferSlice) =>
    matrices.find(({ weight }) => weight.buffer === buffer && (weight.offset ?? 0) === offset);
  const { nHeads, headDim } = inputs.config;
  return (invocation, { header, nDepth, layerBytes }) => {
    const { buffers, constants, kernel } = invocation;
    const matrix = buffers.weight && matrixAt(buffers.weight);
    const { rows_field: rowsField, n_in: nIn, n_out: nOut } = constants;
    if (matrix && rowsField !== undefined && nIn !== undefined && nOut !== undefined) {
      const perOutput = matrix.alternates ? 2 : 1;
      return {
        bytes: matrixBytes(matrix),
        macs: header[rowsField]! * nIn * nOut * perOutput,
        inBytes: context.arithmetic === "q8" && PACKINGS[matrix.packing].scaleType !== null,
      };
    }
    const arena = kernel.entry.signature.bindings.find(({ name }) => name === "arena");
    if (arena?.access !== "read") return NO_WORK;
    const nRows = header[0]!;
    // Row r sees what is cached and the rows up to itself; each key and each value meets each head's query.
    const pairs = nRows * nDepth + nRows * (nRows + 1) / 2;
    return { bytes: layerBytes, macs: 2 * pairs * nHeads * headDim, inBytes: false };
  };
}
