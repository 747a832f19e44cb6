/**
 * The steps of a variant, or of a composition, with the numbers of a case: what is scored by which hook, which
 * rows are protected, what classes take. Which rows and channels a case keeps is its own (cases.ts).
 */

import { amountOf } from "../dsl/accumulator.ts";
import type { Accumulator, RowRing } from "../dsl/accumulator.ts";
import { rowWeights } from "../dsl/channel_bits.ts";
import { codesRule } from "../dsl/codes.ts";
import { enoughRule } from "../dsl/enough.ts";
import type { EnoughRule } from "../dsl/enough.ts";
import { channelBitsOf, channelHooks, isPerRow, rowBitsOf, stepOf } from "../dsl/steps.ts";
import type { Pruning } from "../dsl/pruning.ts";
import type { ModelDims } from "../dsl/table.ts";
import { momentsOf } from "../dsl/tokens.ts";
import type { Pool } from "../dsl/tokens.ts";
import type { KernelSource } from "../emit/types.ts";
import type { ParamChoice } from "./cases.ts";
import { valuesOf } from "./hooks.ts";
import type { Values } from "./hooks.ts";

/** A score with the numbers of a case. */
export interface PlannedScore {
  readonly source: KernelSource;
  /** Of the score among the definition's hooks. */
  readonly path: string;
  readonly values: Values;
  /** Where its queries come from; null: the score reads none. */
  readonly queries: Accumulator<RowRing> | null;
  /** Places of the ring of queries; 0: the score reads none. */
  readonly window: number;
  /** How the scores of query heads become one. */
  readonly group: "mean" | "max";
}

/** A step that prunes channels. */
export interface PlannedChannels extends PlannedScore {
  readonly of: "key" | "value";
  /** Last rows that keep every channel. */
  readonly recent: number;
  /** Kept counts are rounded up to this. */
  readonly multiple: number;
  /** What is enough of the widths; null: all of them. */
  readonly enough: EnoughRule | null;
  /** Whether each row keeps channels of its own. */
  readonly perRow: boolean;
}

/** Bits that go by channel: what weighs channels, and what their classes take. */
export interface PlannedBits extends PlannedScore {
  /** Bits of a group of a low and of a high channel, its scale included. */
  readonly prices: readonly [low: number, high: number];
  /** Bits of a group of a channel on average. */
  readonly average: number;
  /** Whether a row's errors count as its score, and the share of the scores' mean in that. */
  readonly weighsRows: boolean;
  readonly meanShare: number;
}

/** Rows that are scored and chosen among. */
export interface PlannedRows extends PlannedScore {
  /** What scores them: `token_scores`, or `class_scores` of rows that are coded next. */
  readonly kernel: "token_scores" | "class_scores";
  readonly scope: "head" | "layer";
  /** Rows at both ends that stay whatever their score. */
  readonly first: number;
  readonly last: number;
  readonly pool: { readonly kind: "max" | "mean"; readonly width: number } | null;
  /** Share of its unprotected budget that a head keeps by itself; null: heads share nothing. */
  readonly floor: number | null;
  /** Positions of a block, whose rows stay or leave together; 1: each row is chosen by itself. */
  readonly blockRows: number;
  /** What a block scores of its rows. */
  readonly blockKind: "mean" | "max";
  /** Kept counts are rounded up to this. */
  readonly multiple: number;
  /** What is enough of a budget; null: all of it. */
  readonly enough: EnoughRule | null;
  readonly hasAnchor: boolean;
  /** Of queries before their rotation, whose moments the score reads; null: it reads none. */
  readonly moments: { readonly skip: number; readonly ahead: number } | null;
}

/** Bits that go by row: what chooses the rows that get more. */
export interface PlannedClasses extends PlannedRows {
  /** Of a head's coded rows those that get more bits. */
  readonly share: number;
}

/** The steps of a case; null, or none: not this. */
export interface PlannedSteps {
  /** Rows are evicted first … */
  readonly tokens: PlannedRows | null;
  /** … then the survivors lose channels of their keys, of their values or of both … */
  readonly channels: readonly PlannedChannels[];
  /** … then rows are coded, in classes of rows, and of channels. */
  readonly classes: PlannedClasses | null;
  readonly bits: PlannedBits | null;
}

/** Steps whose scores read queries. */
export const scoredSteps = ({ tokens, channels, classes, bits }: PlannedSteps): PlannedScore[] =>
  [tokens, ...channels, classes, bits].filter((step) => step !== null);

/** The steps of variants with the numbers of a case. */
export function plannedSteps(
  sources: readonly KernelSource[],
  numbered: { readonly params: ParamChoice; readonly dims: ModelDims },
): PlannedSteps {
  const own = sources.map((source): Numbered => {
    const definition = source.definition as Pruning;
    return { source, definition, values: valuesOf(definition, numbered) };
  });
  const only = <T>(plan: (one: Numbered) => T | null): T | null =>
    own.map(plan).find((found) => found !== null) ?? null;
  return {
    tokens: only(plannedTokens),
    channels: own.flatMap(plannedChannels),
    classes: only(plannedClasses),
    bits: only(plannedBits),
  };
}

/** A definition and its numbers. */
interface Numbered {
  readonly source: KernelSource;
  readonly definition: Pruning;
  readonly values: Values;
}

function scoreOf(
  { source, values }: Numbered,
  path: string,
  { queries, group }: Pick<PlannedScore, "queries" | "group">,
): PlannedScore {
  const window = queries === null ? 0 : amountOf(queries.rows, values.params);
  return { source, path, values, queries, group, window };
}

function plannedTokens(own: Numbered): PlannedRows | null {
  const found = stepOf(own.definition, "tokens");
  if (found === null) return null;
  const { step, index } = found;
  const { params } = own.values;
  const moments = momentsOf(step);
  return {
    ...scoreOf(own, `steps[${index}].score`, step),
    ...{ kernel: "token_scores", scope: step.scope, hasAnchor: step.anchor !== undefined },
    first: amountOf(step.protect?.first ?? 0, params),
    last: amountOf(step.protect?.last ?? 0, params),
    pool: step.pool === undefined
      ? null
      : { kind: poolKind(step.pool, params), width: amountOf(step.pool.width, params) },
    floor: step.share === undefined ? null : amountOf(step.share.floor, params),
    blockRows: amountOf(step.block?.rows ?? 1, params),
    blockKind: step.block?.kind ?? "mean",
    multiple: amountOf(step.multiple ?? 1, params),
    enough: enoughRule(step.enough, params),
    moments: moments && {
      skip: amountOf(moments.skip, params),
      ahead: amountOf(moments.ahead, params),
    },
  };
}

function poolKind({ kind }: Pool, params: Values["params"]): "max" | "mean" {
  if (typeof kind !== "object") return kind;
  return amountOf(kind.meanIf, params) === 0 ? "max" : "mean";
}

function plannedChannels(own: Numbered): PlannedChannels[] {
  const step = stepOf(own.definition, "channels")?.step;
  return step === undefined ? [] : channelHooks(own.definition).map(({ path, of, ...hook }) => ({
    ...scoreOf(own, path, hook),
    ...{ of, perRow: isPerRow(step) },
    recent: amountOf(step.protect?.last ?? 0, own.values.params),
    multiple: amountOf(step.multiple ?? 1, own.values.params),
    enough: enoughRule(step.enough, own.values.params),
  }));
}

function plannedClasses(own: Numbered): PlannedClasses | null {
  const found = rowBitsOf(own.definition);
  if (found === null) return null;
  const { bits, path } = found;
  const { params } = own.values;
  return {
    ...scoreOf(own, path, bits),
    ...{ kernel: "class_scores", scope: "head", hasAnchor: false, moments: null },
    ...{ blockRows: 1, blockKind: "mean", multiple: 1, enough: null },
    ...{ first: amountOf(bits.protect?.first ?? 0, params), last: 0, pool: null, floor: null },
    share: amountOf(bits.share, params),
  };
}

/** Bits of a scale and a minimum. */
const PAIR_BITS = 32;

function plannedBits(own: Numbered): PlannedBits | null {
  const found = channelBitsOf(own.definition);
  if (found === null) return null;
  const { name } = own.definition;
  const { params } = own.values;
  const { group, bits: high, low } = codesRule(name, found.step, params).code;
  const prices = [low!, high].map((bits) => bits * group + PAIR_BITS) as [number, number];
  const [{ path, ...hook }] = channelHooks(own.definition) as [ReturnType<typeof channelHooks>[0]];
  return {
    ...scoreOf(own, path, hook),
    prices,
    average: Math.min(prices[1], amountOf(found.bits.average, params) * group),
    ...rowWeights(found.bits, params),
  };
}
