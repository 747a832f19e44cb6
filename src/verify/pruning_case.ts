/** From a case to a problem: a prompt's rows before rotation, and the steps that follow its compression. */

import { amountOf } from "../dsl/accumulator.ts";
import { enoughRule } from "../dsl/enough.ts";
import type { EnoughRule } from "../dsl/enough.ts";
import { layoutSteps as stepsOf, stepOf } from "../dsl/pruning.ts";
import type { ChannelsStep, Pruning, PruningStep } from "../dsl/pruning.ts";
import type { ModelDims } from "../dsl/table.ts";
import type { Pool, TokensStep } from "../dsl/tokens.ts";
import type { KernelSource } from "../emit/types.ts";
import { layoutOf } from "../layout/make.ts";
import type { LayoutSteps } from "../layout/make.ts";
import type { Layout } from "../layout/types.ts";
import { qkvStride } from "./attention.ts";
import type { AttentionProblem } from "./attention.ts";
import { N_KV_HEADS, widthsOf } from "./cases.ts";
import type { Kept, ParamChoice, PruningCase } from "./cases.ts";
import { paramValues, valuesOf } from "./hooks.ts";
import type { Values } from "./hooks.ts";
import { randomFrom, randomRows } from "./numbers.ts";
import { AT, segmentsOf } from "./written_cache.ts";

/** The definitions that a compression and the step after it run. */
export interface PruningSources {
  /** In the order of their steps; one, or a composition. */
  readonly variants: readonly KernelSource[];
  readonly append: KernelSource;
  readonly attention: KernelSource;
}

/** A step of a variant with the numbers of a case. */
export interface PlannedStep<S extends PruningStep> {
  readonly source: KernelSource;
  readonly step: S;
  /** Of the score among the definition's hooks. */
  readonly path: string;
  readonly values: Values;
  /** Places of the ring of queries; 0: the score reads none. */
  readonly window: number;
}

/** A step that prunes channels. */
export interface PlannedChannels extends PlannedStep<ChannelsStep> {
  /** Last rows that keep every channel. */
  readonly recent: number;
}

/** A step that evicts rows. */
export interface PlannedTokens extends PlannedStep<TokensStep> {
  /** Rows at both ends that stay whatever their score. */
  readonly first: number;
  readonly last: number;
  readonly pool: { readonly kind: "max" | "mean"; readonly width: number } | null;
  /** Share of its unprotected budget that a head keeps by itself; null: heads share nothing. */
  readonly floor: number | null;
  /** Positions of a block, whose rows stay or leave together; 1: each row is chosen by itself. */
  readonly blockRows: number;
  /** Kept counts are rounded up to this. */
  readonly multiple: number;
  /** What is enough of a budget; null: all of it. */
  readonly enough: EnoughRule | null;
}

/** A step whose score may read queries. */
export type ScoredStep = PlannedChannels | PlannedTokens;

/** A prompt to append, score and compress, and steps to append and attend. */
export interface PruningProblem {
  readonly sources: PruningSources;
  /** Rows are evicted first, then the survivors lose channels; null: not this. */
  readonly tokens: PlannedTokens | null;
  readonly channels: PlannedChannels | null;
  readonly attentionValues: Values;
  readonly layout: Layout;
  readonly shape: AttentionProblem["shape"];
  /** f32 [rows of all steps, qkvStride], before rotation. */
  readonly qkv: Float32Array<ArrayBuffer>;
  /** f32 [nCtx, headDim]: cosines, then sines. */
  readonly rope: Float32Array<ArrayBuffer>;
  /** Rows of the prompt, then of each step behind a compression. */
  readonly nRows: readonly number[];
  readonly kept: Kept;
  /** Channels that each KV head keeps. */
  readonly widths: readonly number[];
}

const definitionsOf = ({ variants }: Pick<PruningSources, "variants">): Pruning[] =>
  variants.map(({ definition }) => definition as Pruning);

/** What the layout of a variant, or of a composition, follows from; parameters decide some of it. */
export function layoutSteps(
  sources: Pick<PruningSources, "variants">,
  params: ParamChoice = "default",
): LayoutSteps {
  const definitions = definitionsOf(sources);
  const parts = definitions.map((definition) => ({
    ...stepsOf(definition, paramValues(definition, params)),
    ...(placesKeys(definition, params) ? { positions: "cache" as const } : {}),
  }));
  if (parts.length === 1) return parts[0]!;
  return {
    name: parts.map(({ name }) => name).join("+"),
    steps: parts.flatMap(({ steps }) => steps),
    ...(parts.some(({ positions }) => positions === "cache") ? { positions: "cache" } : {}),
  };
}

/** Whether a definition's keys are rotated by their place in the cache. */
function placesKeys(definition: Pruning, params: ParamChoice): boolean {
  const positions = stepOf(definition, "tokens")?.step.positions;
  return typeof positions === "object"
    ? paramValues(definition, params)[positions.cacheIf] !== 0
    : positions === "cache";
}

/** The problem of a case. @param seed another one gives other numbers */
export function pruningProblem(
  sources: PruningSources,
  given: PruningCase,
  seed: number,
): PruningProblem {
  const { types, shape, cached, nQuery, numbers, kept } = given;
  const { group, headDim } = shape;
  const nHeads = group * N_KV_HEADS;
  const steps = plannedSteps(sources, given);
  const layout = layoutOf(layoutSteps(sources, given.params), types);
  // A cache that evicts or codes once does so again after its next turn.
  const again = steps.tokens !== null || segmentsOf(layout).some(({ flush }) => flush !== null);
  const nRows = [cached, nQuery, ...(again ? [1] : [])];
  const nCtx = nRows.reduce((a, b) => a + b);
  const random = randomFrom(seed);
  const qkv = new Float32Array(nCtx * qkvStride(shape));
  const options = { headDim, numbers, type: "f32" as const };
  for (let head = 0; head < nHeads + 2 * N_KV_HEADS; head++) {
    randomRows(nCtx, random, options)
      .forEach((row, i) => qkv.set(row, i * qkvStride(shape) + head * headDim));
  }
  const attention = sources.attention.definition as unknown as Pruning;
  return {
    ...{ sources, shape, qkv, nRows, kept, ...steps },
    attentionValues: valuesOf(attention, { params: "default", dims: dimsOf(shape) }),
    layout,
    rope: ropeTable(nCtx, headDim),
    widths: widthsOf(kept, headDim),
  };
}

const dimsOf = ({ group, headDim }: AttentionProblem["shape"]): ModelDims => ({
  ...{ nLayers: AT.nLayers, nHeads: group * N_KV_HEADS, nKvHeads: N_KV_HEADS },
  ...{ headDim, nCtx: 4096 },
});

/** The steps of the variants with the numbers of a case. */
export function plannedSteps(
  sources: PruningSources,
  { params, shape }: Pick<PruningCase, "params" | "shape">,
): Pick<PruningProblem, "tokens" | "channels"> {
  const numbered = { params, dims: dimsOf(shape) };
  return {
    tokens: plannedTokens(sources, numbered),
    channels: plannedChannels(sources, numbered),
  };
}

/** What numbers a step has. */
interface Numbered {
  readonly params: ParamChoice;
  readonly dims: ModelDims;
}

/** The only step of a kind among the variants; null without one. */
function plannedStep<K extends PruningStep["kind"]>(
  { variants }: PruningSources,
  kind: K,
  numbered: Numbered,
) {
  const source = variants.find(({ definition }) => stepOf(definition as Pruning, kind) !== null);
  if (source === undefined) return null;
  const definition = source.definition as Pruning;
  const { step, index } = stepOf(definition, kind)!;
  return { source, step, path: `steps[${index}].score`, values: valuesOf(definition, numbered) };
}

function plannedChannels(sources: PruningSources, numbered: Numbered): PlannedChannels | null {
  const planned = plannedStep(sources, "channels", numbered);
  if (planned === null) return null;
  const { step, values: { params } } = planned;
  return {
    ...planned,
    window: amountOf(step.queries.rows, params),
    recent: amountOf(step.protect?.last ?? 0, params),
  };
}

function plannedTokens(sources: PruningSources, numbered: Numbered): PlannedTokens | null {
  const planned = plannedStep(sources, "tokens", numbered);
  if (planned === null) return null;
  const { step, values: { params } } = planned;
  return {
    ...planned,
    window: step.queries === null ? 0 : amountOf(step.queries.rows, params),
    first: amountOf(step.protect?.first ?? 0, params),
    last: amountOf(step.protect?.last ?? 0, params),
    pool: step.pool === undefined
      ? null
      : { kind: poolKind(step.pool, params), width: amountOf(step.pool.width, params) },
    floor: step.share === undefined ? null : amountOf(step.share.floor, params),
    blockRows: amountOf(step.block?.rows ?? 1, params),
    multiple: amountOf(step.multiple ?? 1, params),
    enough: enoughRule(step.enough, params),
  };
}

function poolKind({ kind }: Pool, params: Values["params"]): "max" | "mean" {
  if (typeof kind !== "object") return kind;
  return amountOf(kind.meanIf, params) === 0 ? "max" : "mean";
}

/** Angles as models have them, of base 10000. */
function ropeTable(nCtx: number, headDim: number): Float32Array<ArrayBuffer> {
  const half = headDim / 2;
  return Float32Array.from({ length: nCtx * headDim }, (_, i) => {
    const channel = i % headDim;
    const angle = Math.floor(i / headDim) * 10000 ** (-(channel % half) / half);
    return channel < half ? Math.cos(angle) : Math.sin(angle);
  });
}
