/** A channels step with the numbers of a spec, for a model: how many channels every head keeps. */

import { KerfError } from "../core/error.ts";
import { amountOf } from "../dsl/accumulator.ts";
import { enoughRule } from "../dsl/enough.ts";
import type { EnoughRule } from "../dsl/enough.ts";
import { isPerRow, stepOf } from "../dsl/steps.ts";
import type { Pruning } from "../dsl/pruning.ts";
import type { ModelDims } from "../dsl/table.ts";
import { removedCount } from "./removed_count.ts";
import type { SpecStep } from "./spec.ts";
import { fillTables } from "./tables.ts";
import type { TableData } from "./tables.ts";
import { paramsOf } from "./variant_params.ts";

/** One channels step with its numbers. */
export interface ChannelsPlan {
  readonly of: "key" | "value";
  /** Whether each row keeps channels of its own; else the rows of a head keep the same. */
  readonly perRow: boolean;
  readonly definition: Pruning;
  readonly params: Readonly<Record<string, number>>;
  readonly tables: TableData;
  /** Last queries that score. */
  readonly window: number;
  /** Last rows that keep every channel. */
  readonly recent: number;
  /** u32 [nLayers, nKvHeads]: channels kept; at most, where scores say what is enough. */
  readonly widths: Uint32Array<ArrayBuffer>;
  /** Kept counts are rounded up to this. */
  readonly multiple: number;
  /** What is enough of the widths; null: all of them. */
  readonly enough: EnoughRule | null;
  /** Whether masks are chosen anew whenever rows come to lose channels. */
  readonly refreshes: boolean;
}

/** Channels kept by a share removed: headDim − floor(remove · headDim), up to a multiple, at most headDim. */
export function keptChannels(
  amount: { readonly remove: number } | { readonly keep: number },
  options: { readonly headDim: number; readonly multiple: number },
): number {
  const { headDim, multiple } = options;
  const kept = "keep" in amount ? amount.keep : headDim - removedCount(amount.remove, headDim);
  return Math.min(headDim, Math.ceil(kept / multiple) * multiple);
}

/** What a step's widths follow from beside its own numbers. */
export interface ChannelsOf {
  readonly dims: ModelDims;
  /**
   * Channels that are stored together, 1 or the sixteen of a coded row of values: kept counts are rounded up to
   * it, as to the step's `multiple`, since a cell takes the same bytes whether or not all of it is kept.
   */
  readonly cell?: number;
}

/** The least number that both are factors of. */
function leastMultiple(a: number, b: number): number {
  const divisor = (x: number, y: number): number => y === 0 ? x : divisor(y, x % y);
  return a * b / divisor(a, b);
}

/**
 * A variant's channels step with the numbers of a spec's step.
 *
 * @throws {KerfError} exit code 2: unknown parameter, out of range, a head would keep no channel
 */
export async function channelsPlan(
  definition: Pruning,
  spec: SpecStep,
  { dims, cell = 1 }: ChannelsOf,
): Promise<ChannelsPlan> {
  const { step } = stepOf(definition, "channels")!;
  const params = paramsOf(spec, definition);
  const { values } = spec;
  const tables = await fillTables(definition.name, definition.tables, { dims, values });
  const multiple = leastMultiple(amountOf(step.multiple ?? 1, params), cell);
  const { headDim, nLayers, nKvHeads } = dims;
  const enough = enoughRule(step.enough, params);
  const refuse = (why: string, hint: string) => {
    throw new KerfError(`Cannot prune with "${definition.name}": ${why}`, { hint, exitCode: 2 });
  };
  const refreshes = amountOf(step.refresh ?? 0, params) !== 0;
  if (refreshes && isPerRow(step)) {
    refuse("rows that keep channels of their own have no mask to choose anew", "drop `refresh`");
  }
  if (enough && isPerRow(step)) {
    refuse("rows that keep channels of their own do not count what is enough", "drop `enough`");
  }
  const table = typeof step.keep === "string" ? tables[step.keep] : undefined;
  const widths = Uint32Array.from({ length: nLayers * nKvHeads }, (_, i) => {
    const amount = step.remove === undefined
      ? { keep: table ? table[i]! : amountOf(step.keep ?? headDim, params) }
      : { remove: amountOf(step.remove, params) };
    return keptChannels(amount, { headDim, multiple });
  });
  if (widths.some((width) => width < 1)) {
    refuse("a head would keep no channel", `keep at least 1 of ${headDim} channels`);
  }
  return {
    of: step.of,
    perRow: isPerRow(step),
    definition,
    params,
    tables,
    window: amountOf(step.queries.rows, params),
    recent: amountOf(step.protect?.last ?? 0, params),
    ...{ widths, multiple, enough, refreshes },
  };
}
