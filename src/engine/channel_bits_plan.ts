/**
 * Bits per channel with the numbers of a spec, for a model: what a channel's classes take, and what all of a
 * layer's may. Which channels get how many is known only once a sequence's keys are there.
 */

import { KerfError } from "../core/error.ts";
import { amountOf } from "../dsl/accumulator.ts";
import { rowWeights } from "../dsl/channel_bits.ts";
import { codesRule } from "../dsl/codes.ts";
import { channelBitsOf } from "../dsl/steps.ts";
import type { Pruning } from "../dsl/pruning.ts";
import type { ModelDims } from "../dsl/table.ts";
import type { StoredChannels } from "../layout/bytes.ts";
import { firstParts } from "../layout/row_classes.ts";
import type { SpecStep } from "./spec.ts";
import { fillTables } from "./tables.ts";
import type { TableData } from "./tables.ts";
import { paramsOf } from "./variant_params.ts";

/** What the channels of a layer may take, in bits of a group of rows. */
export interface ChannelBudget {
  /** Of a low and of a high channel, a scale and a minimum included. */
  readonly lowPrice: number;
  readonly highPrice: number;
  /** Of a channel on average. */
  readonly average: number;
  /** Rows of a group. */
  readonly group: number;
  /** Of {@linkcode CLASS_PARTS} parts of a head's rows those of its first list; null: lists are alike. */
  readonly firstParts: number | null;
}

/** Bits per channel with their numbers. */
export interface ChannelBitsPlan extends ChannelBudget {
  readonly definition: Pruning;
  readonly params: Readonly<Record<string, number>>;
  readonly tables: TableData;
  /** Last queries that weigh. */
  readonly window: number;
  /** Whether a row's errors count as its score; then classes of rows choose apart. */
  readonly weighsRows: boolean;
  /** Of the scores' mean in what each row counts. */
  readonly meanShare: number;
  /** Whether the heads of a layer choose together; else each keeps to its own share of the budget. */
  readonly shares: boolean;
}

/** Bits of a scale and a minimum. */
const PAIR_BITS = 32;

/**
 * A variant's bits per channel with the numbers of a spec's step; null: its channels are coded alike.
 *
 * @throws {KerfError} exit code 2: unknown parameter, out of range, or fewer than no bits
 */
export async function channelBitsPlan(
  definition: Pruning,
  spec: SpecStep,
  { dims, shares, share }: {
    readonly dims: ModelDims;
    readonly shares: boolean;
    /** Of coded rows those of the first class; null: they are alike. */
    readonly share: number | null;
  },
): Promise<ChannelBitsPlan | null> {
  const found = channelBitsOf(definition);
  if (found === null) return null;
  const { bits, step } = found;
  const params = paramsOf(spec, definition);
  const { values } = spec;
  const { code: { group, bits: high, low } } = codesRule(definition.name, step, params);
  const average = amountOf(bits.average, params);
  if (!(average >= 0)) {
    throw new KerfError(
      `Cannot code channels with "${definition.name}": ${average} bits on average are none`,
      { hint: "give 0 bits or more", exitCode: 2 },
    );
  }
  const weights = rowWeights(bits, params);
  const highPrice = high * group + PAIR_BITS;
  return {
    definition,
    params,
    tables: await fillTables(definition.name, definition.tables, { dims, values }),
    window: amountOf(bits.queries.rows, params),
    ...weights,
    shares,
    lowPrice: low! * group + PAIR_BITS,
    highPrice,
    average: Math.min(highPrice, average * group),
    group,
    firstParts: share === null || !weights.weighsRows ? null : firstParts(share),
  };
}

/** Bits of a group of all channels of a layer. */
export const layerBudget = (
  { average }: ChannelBudget,
  { nKvHeads, headDim }: { readonly nKvHeads: number; readonly headDim: number },
): number => Math.floor(average * nKvHeads * headDim + 1e-6);

/** The most channels of a head that its share of the budget stores, then as many of them high ones as it leaves. */
export function mostChannels(budget: ChannelBudget, headDim: number): Required<StoredChannels> {
  const { lowPrice, highPrice } = budget;
  const bits = layerBudget(budget, { nKvHeads: 1, headDim });
  const width = Math.min(headDim, Math.floor(bits / lowPrice));
  const high = Math.floor((bits - width * lowPrice) / (highPrice - lowPrice));
  return { width, high: Math.min(width, high) };
}
