/** From a case to a problem: a prompt's rows before rotation, and the steps that follow its compression. */

import { layoutSteps as stepsOf } from "../dsl/layout_steps.ts";
import { stepOf } from "../dsl/steps.ts";
import type { Pruning } from "../dsl/pruning.ts";
import type { ModelDims } from "../dsl/table.ts";
import { positionsOf } from "../dsl/tokens.ts";
import type { KernelSource } from "../emit/types.ts";
import { layoutOf } from "../layout/make.ts";
import type { LayoutSteps } from "../layout/steps.ts";
import type { Layout } from "../layout/types.ts";
import { qkvStride } from "./attention.ts";
import type { AttentionProblem } from "./attention.ts";
import { N_KV_HEADS } from "./cases.ts";
import { caseWidths } from "./case_choices.ts";
import type { Kept, ParamChoice, PruningCase } from "./cases.ts";
import { paramValues, valuesOf } from "./hooks.ts";
import type { Values } from "./hooks.ts";
import { randomFrom, randomRows } from "./numbers.ts";
import { plannedSteps } from "./planned_steps.ts";
import type { PlannedSteps } from "./planned_steps.ts";
import { AT, segmentsOf } from "./written_cache.ts";

/** The definitions that a compression and the step after it run. */
export interface PruningSources {
  /** In the order of their steps; one, or a composition. */
  readonly variants: readonly KernelSource[];
  readonly append: KernelSource;
  readonly attention: KernelSource;
}

/** A prompt to append, score and compress, and steps to append and attend. */
export interface PruningProblem extends PlannedSteps {
  readonly sources: PruningSources;
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
  /** Channels that each KV head keeps, where a step prunes them. */
  readonly widths: Readonly<Record<"key" | "value", readonly number[]>>;
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
  const tokens = stepOf(definition, "tokens");
  return tokens !== null && positionsOf(tokens.step, paramValues(definition, params)) === "cache";
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
  const steps = stepsOfCase(sources, given);
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
    widths: caseWidths(layout, kept, headDim),
  };
}

/** The steps of a case's variants. */
export const stepsOfCase = (
  { variants }: Pick<PruningSources, "variants">,
  { params, shape }: Pick<PruningCase, "params" | "shape">,
): PlannedSteps => plannedSteps(variants, { params, dims: dimsOf(shape) });

const dimsOf = ({ group, headDim }: AttentionProblem["shape"]): ModelDims => ({
  ...{ nLayers: AT.nLayers, nHeads: group * N_KV_HEADS, nKvHeads: N_KV_HEADS },
  ...{ headDim, nCtx: 4096 },
});

/** Angles as models have them, of base 10000. */
function ropeTable(nCtx: number, headDim: number): Float32Array<ArrayBuffer> {
  const half = headDim / 2;
  return Float32Array.from({ length: nCtx * headDim }, (_, i) => {
    const channel = i % headDim;
    const angle = Math.floor(i / headDim) * 10000 ** (-(channel % half) / half);
    return channel < half ? Math.cos(angle) : Math.sin(angle);
  });
}
