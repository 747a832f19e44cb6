/**
 * The buffers a step works in: its own arrays (step.ts) and the activations between kernels. Sized once
 * for the largest step; kernels use as much as the step's header says.
 */

import { blockSumsOf, q8RowBytes } from "../core/quantized_row.ts";
import { PACK_ROWS } from "../core/packing.ts";
import { QUERY_TILE } from "../core/tiles.ts";
import type { Device, DeviceBuffer } from "../device/types.ts";
import { CHUNK_ROWS } from "../layout/types.ts";
import type { LlamaConfig } from "../model/config.ts";
import type { Step } from "./step.ts";

/** The most a step may hold. */
export interface StepLimits {
  readonly nRows: number;
  readonly nSeqs: number;
  /** Rows that want logits. */
  readonly nLogits: number;
  /** Positions of a sequence. */
  readonly nCtx: number;
}

/** Names of the activation buffers. */
export type ActivationName =
  | "x"
  | "x_mid"
  | "normed"
  | "sums"
  | "qkv"
  | "out"
  | "hidden"
  | "codes"
  | "partials"
  | "picked"
  | "logits"
  | "largest"
  | "places"
  | "picks";

/** Extra floats of a partial beside its values: logit, weight sum, padding to a vector. */
const PARTIAL_EXTRA = 16;

/**
 * Segments that a cache's keys have at most, for the chunks of partly filled ones: each segment's last
 * 256-row chunk may be partial.
 */
export function maxSplits(nCtx: number, nKeySegments: number): number {
  return Math.ceil(nCtx / CHUNK_ROWS) + nKeySegments - 1;
}

/** Groups of a row's logits of which the head leaves the largest. */
export const logitGroups = (nVocab: number): number => Math.ceil(nVocab / PACK_ROWS);

/** Elements of every activation buffer: f32, but places and picks, which are u32, and the bytes of 8-bit codes. */
export function activationSizes(
  config: LlamaConfig,
  limits: StepLimits,
  nKeySegments: number,
): Record<ActivationName, number> {
  const { nHeads, nKvHeads, headDim, dModel, dFf, nVocab } = config;
  const { nRows, nSeqs, nLogits, nCtx } = limits;
  return {
    x: nRows * dModel,
    x_mid: nRows * dModel,
    normed: Math.max(nRows, nLogits) * dModel,
    sums: blockSumsOf(Math.max(nRows, nLogits), dModel),
    qkv: nRows * (nHeads + 2 * nKvHeads) * headDim,
    out: nRows * nHeads * headDim,
    hidden: nRows * dFf,
    codes: nRows * Math.ceil(q8RowBytes(Math.max(dFf, nHeads * headDim)) / 4),
    partials: nSeqs * nHeads * maxSplits(nCtx, nKeySegments) * (headDim + PARTIAL_EXTRA),
    picked: nLogits * dModel,
    logits: nLogits * nVocab,
    largest: nLogits * logitGroups(nVocab),
    places: nLogits * logitGroups(nVocab),
    picks: nLogits,
  };
}

/** Elements of every array of a step, u32; the header is the device's own. */
export function stepSizes(limits: StepLimits): Record<Exclude<keyof Step, "step">, number> {
  const { nRows, nSeqs, nLogits } = limits;
  return {
    seqs: 4 * nSeqs,
    tokens: nRows,
    row_seq: nRows,
    row_position: nRows,
    tiles: 4 * (Math.ceil(nRows / QUERY_TILE) + nSeqs),
    decode_rows: nSeqs,
    rows: nLogits,
  };
}

/** Allocates one four-byte-element buffer per name. */
export function allocateAll<N extends string>(
  device: Device,
  sizes: Readonly<Record<N, number>>,
): Record<N, DeviceBuffer> {
  return Object.fromEntries(
    Object.entries<number>(sizes).map(([name, n]) => [name, device.allocate(4 * n, name)]),
  ) as Record<N, DeviceBuffer>;
}
