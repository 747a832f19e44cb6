/**
 * What an invocation of a plan has to read and to multiply in a step, from the plan's own data: the matrices
 * it binds, the cache it reads. Kernels that do neither have no work here, only time.
 */

import type { StepField } from "../../core/signature.ts";
import { STEP_FIELDS } from "../../core/signature.ts";
import type { BufferSlice, Invocation } from "../../device/types.ts";
import type { KvCache } from "../../engine/cache.ts";
import type { Plan } from "../../engine/plan.ts";
import { matrixBytes } from "../../engine/weights.ts";
import { PACKINGS } from "../../core/packing.ts";

/** What is multiplied with its like. */
export const PRODUCT_KINDS = ["f32", "bf16", "bytes"] as const;

/** One of them. */
export type ProductKind = typeof PRODUCT_KINDS[number];

/** Numbers by what is multiplied. */
export type ByKind = Readonly<Record<ProductKind, number>>;

/** The work of one invocation. */
export interface Work {
  /** Read at least once: weights, or the cache's rows. */
  readonly bytes: number;
  /** Multiplications with their addition. */
  readonly macs: ByKind;
  /** Whether a matrix of weights is multiplied. */
  readonly ofMatrix: boolean;
}

/** A step, as far as work depends on it. */
export interface StepShape {
  readonly header: Uint32Array;
  /** Rows already cached. */
  readonly nDepth: number;
  /** Bytes of the cache's rows of one layer, this step's included. */
  readonly layerBytes: number;
  /** As {@linkcode cacheShares} has them. */
  readonly shares: ByKind;
}

/** `n` products of one kind. */
export const productsOf = (kind: ProductKind, n: number): ByKind => ({
  ...{ f32: 0, bf16: 0, bytes: 0 },
  [kind]: n,
});

/** Nothing to read and nothing to multiply. */
export const NO_WORK: Work = { bytes: 0, macs: productsOf("f32", 0), ofMatrix: false };

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

/** What attention multiplies in a slot's cache: shares of the rows of both streams, of which there are some. */
export function cacheShares({ context }: Plan, cache: KvCache, slot: number): ByKind {
  if (!context.roundsAttention) return productsOf("f32", 1);
  const kinds = { f32: "f32", f16: "bf16", affine: "bytes" } as const;
  const rows: Record<ProductKind, number> = { ...productsOf("f32", 0) };
  for (const { index, segment } of cache.segments) {
    for (let head = 0; head < cache.nHeadsPerSlot; head++) {
      rows[kinds[segment.code.kind]] += cache.sizeOf({ slot, head }, index).rows;
    }
  }
  const all = rows.f32 + rows.bf16 + rows.bytes;
  return { f32: rows.f32 / all, bf16: rows.bf16 / all, bytes: rows.bytes / all };
}

/** A function from a plan's invocations to their work. */
export function workIn({ inputs, context }: Plan): (i: Invocation, step: StepShape) => Work {
  const { matrices } = inputs.weights;
  const matrixAt = ({ buffer, offset = 0 }: BufferSlice) =>
    matrices.find(({ weight }) => weight.buffer === buffer && (weight.offset ?? 0) === offset);
  const { nHeads, headDim } = inputs.config;
  return (invocation, { header, nDepth, layerBytes, shares }) => {
    const { buffers, constants, kernel } = invocation;
    const matrix = buffers.weight && matrixAt(buffers.weight);
    const { rows_field: rowsField, n_in: nIn, n_out: nOut } = constants;
    if (matrix && rowsField !== undefined && nIn !== undefined && nOut !== undefined) {
      const perOutput = matrix.alternates ? 2 : 1;
      const inBytes = context.arithmetic === "q8" && PACKINGS[matrix.packing].scaleType !== null;
      const n = header[rowsField]! * nIn * nOut * perOutput;
      return {
        bytes: matrixBytes(matrix),
        macs: productsOf(inBytes ? "bytes" : "f32", n),
        ofMatrix: true,
      };
    }
    const arena = kernel.entry.signature.bindings.find(({ name }) => name === "arena");
    if (arena?.access !== "read") return NO_WORK;
    const nRows = header[0]!;
    // Row r sees what is cached and the rows up to itself; each key and each value meets each head's query.
    const pairs = nRows * nDepth + nRows * (nRows + 1) / 2;
    const macs = 2 * pairs * nHeads * headDim;
    return {
      bytes: layerBytes,
      macs: { f32: shares.f32 * macs, bf16: shares.bf16 * macs, bytes: shares.bytes * macs },
      ofMatrix: false,
    };
  };
}
