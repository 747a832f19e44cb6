/**
 * The kernels of one Llama layer, in order; what comes before the first and after the last is in
 * end_drafts.ts. Reads the model's sizes and the plan's kernel names; holds no arithmetic. With q8 activations the
 * inputs of matrices that are packed as codes become codes; matrices of plain values stay products of f32.
 *
 * Source: Llama 2 (arXiv:2307.09288) section 2.2, as llama-architecture GGUF files store it.
 */

import { PACKINGS } from "../core/packing.ts";
import { Q8_INPUTS } from "../core/quantized_row.ts";
import { STEP_FIELDS } from "../core/signature.ts";
import type { Activations } from "../device/activations.ts";
import type { BufferSlice } from "../device/types.ts";
import type { LlamaConfig } from "../model/config.ts";
import { logitGroups } from "./activations.ts";
import type { ActivationName } from "./activations.ts";
import type { Draft } from "./draft.ts";
import { kvHeadParts, productParts, queryHeadParts } from "./head_parts.ts";
import type { Recording } from "./query_rings.ts";
import type { PackedMatrix } from "./weights.ts";

/** A packed matrix and where it lies. */
export interface LoadedMatrix extends PackedMatrix {
  readonly weight: BufferSlice;
}

/** One layer's weights in device memory. */
export interface LoadedLayer {
  readonly attnNorm: BufferSlice;
  readonly qkv: readonly LoadedMatrix[];
  readonly attnOutput: readonly LoadedMatrix[];
  readonly ffnNorm: BufferSlice;
  readonly gateUp: readonly LoadedMatrix[];
  readonly ffnDown: readonly LoadedMatrix[];
}

/** What the drafts of a model are made from. */
export interface DraftContext {
  readonly config: LlamaConfig;
  readonly arithmetic: Activations;
  readonly activations: Readonly<Record<ActivationName, BufferSlice>>;
  /** The attention variant's name and parameters. */
  readonly attention: {
    readonly name: string;
    readonly params: Readonly<Record<string, number>>;
    readonly tables: Readonly<Record<string, BufferSlice>>;
  };
  /** The cache's layout, as kernels are named, and whether its rows carry running sums. */
  readonly layoutName: string;
  /** Whether attention rounds what meets the cache: to bytes for its codes, to bf16 for its halves. */
  readonly roundsAttention: boolean;
  /** The kernel that joins the partial softmaxes of decoded rows. */
  readonly mergeKernel: string;
  readonly rowSums: boolean;
  /** The cache's arena of every layer. */
  readonly arenas: readonly BufferSlice[];
  /** First rows of a sequence whose queries are left out of the moments; null: nobody reads any. */
  readonly momentsSkip: number | null;
  /** Where the last queries go that scores will read; null: none will. */
  readonly recording: Recording | null;
}

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
const takeCodes = ({ arithmetic }: DraftContext, readers: readonly LoadedMatrix[]) =>
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
  },
): Draft[] {
  const { x, y, yStride, rowsField = ALL_ROWS, kernel = "matmul" } = options;
  const stored = options.storesLargest ? "_largest" : options.storesCodes ? "_q8" : "";
  const head = `${kernel}${codesSuffix(context, matrices)}${stored}`;
  return matrices.map(({ packing, weight, nIn, nOut, firstOut }, i) => ({
    kernel: `${head}__${packing}`,
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
interface NextNorm {
  readonly gain: BufferSlice;
  readonly readers: readonly LoadedMatrix[];
}

/** Whether a product stores its outputs' norm too, as codes. */
const storesNorm = (context: DraftContext, matrices: readonly LoadedMatrix[], next?: NextNorm) =>
  next !== undefined && takeCodes(context, matrices) && takeCodes(context, next.readers);

/**
 * y = residual + x · Wᵀ for rows of x that are codes where `isCodes` says so, else f32, and the norm of y where
 * the product stores it. Two buffers: WebGPU lets no kernel read and write one through two bindings.
 */
function addProductDrafts(
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

/**
 * Whether attention stores its outputs as the codes that `readers` take: where it rounds anyway, and no block of
 * codes reaches into another head.
 */
const storesOutputs = (context: DraftContext, readers: readonly LoadedMatrix[]) =>
  context.roundsAttention && context.config.headDim % Q8_INPUTS === 0 &&
  takeCodes(context, readers);

/** Attention of one layer, from rotated and stored keys to the merged heads in `out`, as `readers` take them. */
function attentionDrafts(
  context: DraftContext,
  { layer, storesCodes }: { readonly layer: number; readonly storesCodes: boolean },
): Draft[] {
  const { config, layoutName, rowSums, attention, recording } = context;
  const arena = context.arenas[layer]!;
  const at = (what: string) => `layer ${layer} · ${what}`;
  const q8 = context.roundsAttention ? "_q8" : "";
  const kernel = (phase: string) => `attention_${attention.name}_${phase}${q8}__${layoutName}`;
  const own = {
    buffers: { ...attention.tables, arena },
    constants: { layer, ...attention.params },
    parts: kvHeadParts(config),
  };
  return [
    ...(context.momentsSkip === null ? [] : [{
      kernel: "query_moments",
      label: at("moments of queries"),
      constants: { layer, skip: context.momentsSkip },
      parts: queryHeadParts(config),
    }]),
    {
      kernel: `${recording ? "append_recording" : "append"}__${layoutName}`,
      label: at(recording ? "rotate, append, record" : "rotate, append"),
      buffers: { ...recording?.buffers, arena },
      constants: { ...recording?.constants, layer },
      parts: kvHeadParts(config),
    },
    {
      kernel: kernel(rowSums ? "prefill_recording" : "prefill"),
      label: at("attention, prefill rows"),
      ...own,
      constants: { ...own.constants, stores_codes: Number(storesCodes) },
      barrier: false,
    },
    { kernel: kernel("decode"), label: at("attention, decode rows"), ...own },
    {
      kernel: `${context.mergeKernel}${storesCodes ? "_q8" : ""}`,
      label: at("attention, merge"),
      parts: queryHeadParts(config),
    },
    ...(rowSums
      ? [{ kernel: kernel("sums"), label: at("attention, sums of columns"), ...own }]
      : []),
  ];
}

/**
 * One layer over the rows in `x`, and into it.
 *
 * @param after the layer before, when its norm of `x` is there already
 * @param next the layer whose norm of `x` comes next
 */
export function layerDrafts(
  context: DraftContext,
  { layer, weights, x, after, next }: {
    layer: number;
    weights: LoadedLayer;
    x: BufferSlice;
    after?: LoadedLayer;
    next?: LoadedLayer;
  },
): Draft[] {
  const { config, activations } = context;
  const { x_mid, normed, qkv, out, hidden } = activations;
  const { nHeads, nKvHeads, headDim, dModel, dFf } = config;
  const at = (what: string) => `layer ${layer} · ${what}`;
  const qkvStride = (nHeads + 2 * nKvHeads) * headDim;
  const hiddenIsCodes = takeCodes(context, weights.gateUp) && takeCodes(context, weights.ffnDown);
  const outIsCodes = storesOutputs(context, weights.attnOutput);
  const attnNorm = { gain: weights.attnNorm, readers: weights.qkv };
  const ffnNorm = { gain: weights.ffnNorm, readers: weights.gateUp };
  const ownNorm = (matrices: readonly LoadedMatrix[] | undefined, norm: NextNorm, draft: Draft) =>
    matrices && storesNorm(context, matrices, norm) ? [] : [draft];
  return [
    ...ownNorm(
      after?.ffnDown,
      attnNorm,
      normDraft(context, at("norm"), {
        x,
        weight: weights.attnNorm,
        readers: weights.qkv,
      }),
    ),
    ...productDrafts(context, at("q, k, v"), weights.qkv, {
      x: normed,
      y: qkv,
      yStride: qkvStride,
    }).map((draft, i) => ({ ...draft, parts: productParts(config, weights.qkv[i]!) })),
    ...attentionDrafts(context, { layer, storesCodes: outIsCodes }),
    ...addProductDrafts(context, at("output"), weights.attnOutput, {
      x: out,
      isCodes: outIsCodes,
      residual: x,
      y: x_mid,
      yStride: dModel,
      next: ffnNorm,
    }),
    ...ownNorm(
      weights.attnOutput,
      ffnNorm,
      normDraft(context, at("norm 2"), {
        x: x_mid,
        weight: weights.ffnNorm,
        readers: weights.gateUp,
      }),
    ),
    ...productDrafts(context, at("gate, up"), weights.gateUp, {
      x: normed,
      y: hidden,
      yStride: dFf,
      kernel: "matmul_swiglu",
      storesCodes: hiddenIsCodes,
    }),
    ...addProductDrafts(context, at("down"), weights.ffnDown, {
      x: hidden,
      isCodes: hiddenIsCodes,
      residual: x_mid,
      y: x,
      yStride: dModel,
      ...(next ? { next: { gain: next.attnNorm, readers: next.qkv } } : {}),
    }),
  ];
}
