/**
 * Pruning variants: a list of steps, each a score and the declared data around it. A variant never
 * selects, sorts or touches the cache: higher score = keep, ties keep the lower index, and budget and
 * protection are applied in one place.
 */

import { paramArgs } from "./params.ts";
import type { ParamSpecs, ParamValues } from "./params.ts";
import { tableArgs } from "./table.ts";
import type { TableSpecs } from "./table.ts";
import { column, record, scalar } from "./types.ts";
import type { Column, Definition, f32, Hook, HookArg, i32 } from "./types.ts";

/** A number, or the name of the parameter that holds it. */
export type Amount = number | string;

/** What a channel score may read beside its two columns. */
export interface ChannelContext {
  readonly layer: i32;
  readonly kvHead: i32;
  readonly channel: i32;
}

/** What an author writes for a channel step. */
export interface ChannelsSpec {
  readonly of: "key";
  /**
   * The score of one channel.
   * q: the channel over the last `window` queries of one query head, after RoPE (Column, window values).
   * k: the channel over all cached keys, after RoPE (Column).
   */
  // deno-lint-ignore no-explicit-any -- the context's parameters and tables are typed by `pruning`
  readonly score: (q: Column, k: Column, context: ChannelContext & Record<string, any>) => f32;
  /** How the scores of a group's query heads become the KV head's. */
  readonly group: "mean" | "max";
  /** Last queries that the score sees. */
  readonly window: Amount;
  /** Share of the channels removed: floor(remove · headDim). Give this or `keep`. */
  readonly remove?: Amount;
  /** Channels kept: a count, or the name of a table [nLayers, nKvHeads]. */
  readonly keep?: Amount;
  /** The kept count is rounded up to a multiple of this. */
  readonly multiple?: Amount;
  /** Rows that keep every channel. */
  readonly protect?: { readonly last?: Amount };
}

/** A channel step of a variant. */
export interface ChannelsStep extends ChannelsSpec {
  readonly kind: "channels";
}

/** A step of a variant. */
export type PruningStep = ChannelsStep;

/** Drops channels of a stream. */
export function channels(spec: ChannelsSpec): ChannelsStep {
  if ((spec.remove === undefined) === (spec.keep === undefined)) {
    throw new TypeError("Cannot declare channels(): give exactly one of `remove` and `keep`");
  }
  return Object.freeze({ kind: "channels", ...spec });
}

/** What an author writes. */
export interface PruningSpec<P extends ParamSpecs, T extends TableSpecs> {
  readonly name: string;
  readonly source?: string;
  readonly params?: P;
  readonly tables?: T;
  readonly steps: readonly PruningStep[];
}

/** A declared pruning variant. */
export interface Pruning extends Definition {
  readonly kind: "pruning";
  readonly params: ParamSpecs;
  readonly tables: TableSpecs;
  readonly steps: readonly PruningStep[];
}

/** The IR types of a channel score's arguments. */
function channelScoreArgs(params: ParamSpecs, tables: TableSpecs): HookArg[] {
  const i = scalar("i32");
  const context = { layer: i, kvHead: i, channel: i, ...paramArgs(params), ...tableArgs(tables) };
  return [column, column, record(context)];
}

/**
 * Declares a pruning variant; a file in kernels/prune/ exports one as its default.
 *
 * @throws {TypeError} an amount names neither a parameter nor, for `keep`, a table
 */
export function pruning<
  P extends ParamSpecs = Record<never, never>,
  T extends TableSpecs = Record<never, never>,
>(
  spec: PruningSpec<P, T>,
): Pruning {
  const params: ParamSpecs = spec.params ?? {};
  const tables: TableSpecs = spec.tables ?? {};
  spec.steps.forEach((step, i) => {
    const known = (amount: Amount | undefined, field: string, names: readonly string[]) => {
      if (typeof amount === "string" && !names.includes(amount)) {
        throw new TypeError(
          `Cannot declare "${spec.name}": steps[${i}].${field} names "${amount}", ` +
            `which is none of ${names.join(", ") || "its parameters (it has none)"}`,
        );
      }
    };
    const names = Object.keys(params);
    known(step.window, "window", names);
    known(step.remove, "remove", names);
    known(step.keep, "keep", [...names, ...Object.keys(tables)]);
    known(step.multiple, "multiple", names);
    known(step.protect?.last, "protect.last", names);
  });
  const hooks: Hook[] = spec.steps.map((step, i) => ({
    path: `steps[${i}].score`,
    run: step.score,
    args: channelScoreArgs(params, tables),
    results: ["f32"],
  }));
  return Object.freeze({
    kind: "pruning",
    name: spec.name,
    ...(spec.source === undefined ? {} : { source: spec.source }),
    params,
    tables,
    steps: Object.freeze([...spec.steps]),
    hooks,
  });
}

/** The number an amount stands for. */
export function amountOf(amount: Amount, values: ParamValues): number {
  return typeof amount === "number" ? amount : values[amount]!;
}
