/**
 * Pruning variants: a list of steps, each a score and the declared data around it. A variant never
 * selects, sorts or touches the cache: higher score = keep, ties keep the lower index, and budget and
 * protection are applied in one place.
 */

import type { CacheTypes, LayoutSteps, StreamTiles } from "../layout/make.ts";
import type { Layout, Segment } from "../layout/types.ts";
import { amountOf, lastQueries } from "./accumulator.ts";
import type { Accumulator, Amount, RowRing } from "./accumulator.ts";
import { checkLimits, enoughKind } from "./enough.ts";
import type { Enough } from "./enough.ts";
import { paramArgs, resolveParams } from "./params.ts";
import type { ParamSpecs, ParamValues } from "./params.ts";
import { tableArgs } from "./table.ts";
import type { TableSpecs } from "./table.ts";
import { momentsOf, tokenScoreArgs } from "./tokens.ts";
import type { TokensStep } from "./tokens.ts";
import type { BasisStep } from "./basis.ts";
import type { ChannelBits, ChannelContext, ChannelScore } from "./channel_bits.ts";
import { codesRule } from "./codes.ts";
import type { CodesStep } from "./codes.ts";
import type { RowBits } from "./row_bits.ts";
import { column, record, scalar } from "./types.ts";
import type { Column, Definition, f32, Hook, HookArg } from "./types.ts";

/** What a step for channels of either stream has. */
interface ChannelsBase {
  /** How the scores of a group's query heads become the KV head's. */
  readonly group: "mean" | "max";
  /** The accumulator of the queries that score. Give this or `window`. */
  readonly queries?: Accumulator<RowRing>;
  /** Short for `queries: lastQueries(window)`. */
  readonly window?: Amount;
  /** Share of the channels removed: floor(remove · headDim). Give this or `keep`, or only `enough`. */
  readonly remove?: Amount;
  /** Channels kept: a count, or the name of a table [nLayers, nKvHeads]. */
  readonly keep?: Amount;
  /** The kept count is rounded up to a multiple of this. */
  readonly multiple?: Amount;
  /** Of the channels that `remove` or `keep` leaves, each KV head keeps only as many as its scores say. */
  readonly enough?: Enough;
  /** Rows that keep every channel. */
  readonly protect?: { readonly last?: Amount };
  /**
   * Decoded rows lose channels too: the oldest `every` as soon as so many are whole beside the protected ones,
   * and where a prefill ends as many times `every` as there are. 0, the default: where a prefill ends all but
   * the protected ones, and none while decoding.
   */
  readonly every?: Amount;
  /**
   * 1: whenever rows come to lose channels, the masks of both streams of their layer are chosen anew. Rows that
   * had lost some keep what both masks have; what else the new one has reads as zero in them, and counts as
   * that for its score. 0, the default: the first mask stays.
   */
  readonly refresh?: Amount;
}

/** What an author writes for channels of keys. */
export interface KeyChannelsSpec extends ChannelsBase {
  readonly of: "key";
  /**
   * `head`, the default: rows of a head keep the same channels, those that score highest. `row`: each row
   * keeps as many of its own, those with the largest score · (k − mean)², where the mean is the channel's
   * over the rows that were there when the first lost any; it is what a channel reads as that a row lacks.
   */
  readonly per?: "head" | "row";
  /**
   * The score of one channel.
   * q: the channel over what `queries` remembers of one query head (Column, one value per query).
   * k: the channel over all cached keys, after RoPE (Column).
   */
  readonly score: ChannelScore;
}

/** What an author writes for channels of values. */
export interface ValueChannelsSpec extends ChannelsBase {
  readonly of: "value";
  /**
   * The score of one channel.
   * output: the channel of what attention makes for one query head, over the queries that `queries`
   * remembers: softmax(q·kᵀ/√headDim)·v over all cached rows, causal (Column, one value per query).
   */
  // deno-lint-ignore no-explicit-any -- the context's parameters and tables are typed by `pruning`
  readonly score: (output: Column, context: ChannelContext & Record<string, any>) => f32;
}

/** What an author writes for a channel step. */
export type ChannelsSpec = KeyChannelsSpec | ValueChannelsSpec;

/** A channel step of a variant. */
export type ChannelsStep =
  & (Omit<KeyChannelsSpec, "window" | "queries"> | Omit<ValueChannelsSpec, "window" | "queries">)
  & { readonly kind: "channels"; readonly queries: Accumulator<RowRing> };

/** A step of a variant. */
export type PruningStep = ChannelsStep | TokensStep | BasisStep | CodesStep;

/** A step that scores; its score is a hook. */
export type ScoredStep = ChannelsStep | TokensStep;

/** Whether a step scores. */
export const isScored = (step: PruningStep): step is ScoredStep =>
  step.kind === "channels" || step.kind === "tokens";

/**
 * Drops channels of a stream.
 *
 * @throws {TypeError} not exactly one of `remove` and `keep`, or of `queries` and `window`
 */
export function channels({ window, queries, ...spec }: ChannelsSpec): ChannelsStep {
  checkLimits("channels()", spec);
  if ((window === undefined) === (queries === undefined)) {
    throw new TypeError("Cannot declare channels(): give exactly one of `queries` and `window`");
  }
  return Object.freeze({ kind: "channels", ...spec, queries: queries ?? lastQueries(window!) });
}

/** What an author writes. */
export interface PruningSpec<P extends ParamSpecs, T extends TableSpecs> {
  readonly name: string;
  readonly source?: string;
  readonly params?: P;
  readonly tables?: T;
  readonly steps: readonly PruningStep[];
  /** How the cache is stored; absent: as the steps imply. */
  readonly layout?: (types: CacheTypes, tiles: StreamTiles) => Layout;
}

/** A declared pruning variant. */
export interface Pruning extends Definition {
  readonly kind: "pruning";
  readonly params: ParamSpecs;
  readonly tables: TableSpecs;
  readonly steps: readonly PruningStep[];
  readonly layout?: (types: CacheTypes, tiles: StreamTiles) => Layout;
}

/** The IR types of a channel score's arguments. */
function channelScoreArgs(
  of: ChannelsStep["of"],
  params: ParamSpecs,
  tables: TableSpecs,
): HookArg[] {
  const i = scalar("i32");
  const context = { layer: i, kvHead: i, channel: i, ...paramArgs(params), ...tableArgs(tables) };
  return [column, ...(of === "key" ? [column] : []), record(context)];
}

/**
 * Declares a pruning variant; a file in kernels/prune/ exports one as its default.
 *
 * @throws {TypeError} an amount names neither a parameter nor, for `keep`, a table
 *
 * @example
 * ```ts
 * import { channels, meanSquare, pruning } from "kerf/dsl";
 * const variant = pruning({
 *   name: "by_norm",
 *   params: { ratio: { default: 0.5 } },
 *   steps: [channels({
 *     of: "key",
 *     group: "mean",
 *     window: 1,
 *     score: (_q, k) => meanSquare(k),
 *     remove: "ratio",
 *   })],
 * });
 * if (variant.hooks[0]!.path !== "steps[0].score") throw new Error("wrong");
 * ```
 */
export function pruning<
  P extends ParamSpecs = Record<never, never>,
  T extends TableSpecs = Record<never, never>,
>(
  spec: PruningSpec<P, T>,
): Pruning {
  const params: ParamSpecs = spec.params ?? {};
  const tables: TableSpecs = spec.tables ?? {};
  checkAmounts({ name: spec.name, params, tables, steps: spec.steps });
  const hooks = spec.steps.flatMap((step, i): Hook[] => {
    const own = stepHook(step);
    if (own === null) return [];
    const args = own.scores === "rows"
      ? tokenScoreArgs(params, tables)
      : channelScoreArgs(own.scores, params, tables);
    return [{ path: `steps[${i}].${own.field}`, run: own.run, args, results: ["f32"] }];
  });
  return Object.freeze({
    kind: "pruning",
    name: spec.name,
    ...(spec.source === undefined ? {} : { source: spec.source }),
    params,
    tables,
    steps: Object.freeze([...spec.steps]),
    ...(spec.layout === undefined ? {} : { layout: spec.layout }),
    hooks,
  });
}

/** Whether a step lets each row keep channels of its own. */
export const isPerRow = (step: PruningStep): boolean =>
  step.kind === "channels" && step.of === "key" && step.per === "row";

/** The function that a step scores rows or channels with, and the field that holds it. */
function stepHook(step: PruningStep): {
  readonly field: string;
  readonly run: Hook["run"];
  readonly scores: "rows" | "key" | "value";
} | null {
  if (isScored(step)) {
    const scores = step.kind === "tokens" ? "rows" : step.of;
    return { field: "score", run: step.score, scores };
  }
  if (step.kind !== "codes" || typeof step.bits !== "object") return null;
  return step.bits.kind === "byRow"
    ? { field: "bits.score", run: step.bits.score, scores: "rows" }
    : { field: "bits.weight", run: step.bits.weight, scores: "key" };
}

/** @throws {TypeError} an amount names what the variant has not declared */
export function checkAmounts(
  { name, steps, ...declared }: Pick<Pruning, "name" | "params" | "tables" | "steps">,
): void {
  const params = Object.keys(declared.params);
  const tables = Object.keys(declared.tables);
  steps.forEach((step, i) => {
    const known = (amount: unknown, field: string, names = params) => {
      if (typeof amount === "string" && !names.includes(amount)) {
        throw new TypeError(
          `Cannot declare "${name}": steps[${i}].${field} names "${amount}", ` +
            `which is none of ${names.join(", ") || "its parameters (it has none)"}`,
        );
      }
    };
    if (step.kind === "basis") return known(step.if, "if");
    if (step.kind === "codes") {
      if (typeof step.bits === "object") {
        if (step.bits.kind === "byRow") {
          known(step.bits.high, "bits.high");
          known(step.bits.low, "bits.low");
          known(step.bits.share, "bits.share");
          known(step.bits.protect?.first, "bits.protect.first");
        } else {
          known(step.bits.average, "bits.average");
          const { rows } = step.bits;
          if (typeof rows === "object") known(rows.scoreIf, "bits.rows.scoreIf");
          if (rows !== "alike" && rowBitsOf({ steps }) === null) {
            throw new TypeError(
              `Cannot declare "${name}": steps[${i}].bits counts rows by a score, which no byRow() gives`,
            );
          }
        }
        known(step.bits.queries?.rows, "bits.window");
      } else known(step.bits, "bits");
      known(step.group, "group");
      known(step.residual, "residual");
      known(step.unit, "unit");
      known(step.every, "every");
      known(step.keep, "keep");
      return;
    }
    known(step.queries?.rows, "window");
    known(step.remove, "remove");
    known(step.keep, "keep", [...params, ...tables]);
    known(step.protect?.last, "protect.last");
    known(step.multiple, "multiple");
    if (step.enough) {
      const { kind, amount } = enoughKind(step.enough);
      known(amount, `enough.${kind}`);
      known(step.enough.least, "enough.least");
    }
    known(step.every, "every");
    if (step.kind === "channels") known(step.refresh, "refresh");
    if (step.kind === "tokens") {
      known(step.protect?.first, "protect.first");
      known(step.pool?.width, "pool.width");
      known(step.block?.rows, "block.rows");
      const kind = step.pool?.kind;
      if (typeof kind === "object") known(kind.meanIf, "pool.kind.meanIf");
      known(step.share?.floor, "share.floor");
      known(momentsOf(step)?.skip, "statistics.skip");
      known(momentsOf(step)?.ahead, "statistics.ahead");
      if (typeof step.positions === "object") known(step.positions.cacheIf, "positions.cacheIf");
    }
  });
}

/** When rows that are decoded lose channels; null: never. */
function channelsFlush({ every, protect }: ChannelsStep, values: ParamValues): Segment["flush"] {
  const rows = amountOf(every ?? 0, values);
  return rows === 0 ? null : { rows, atRows: rows + amountOf(protect?.last ?? 0, values) };
}

/**
 * What a variant's layout depends on, with numbers for the amounts that say when and how rows are stored.
 *
 * @param values of its parameters; absent: their defaults
 * @throws {KerfError} exit code 2: numbers that no row can be coded with
 */
export function layoutSteps(
  { name, params, steps, layout }: Pick<Pruning, "name" | "params" | "steps" | "layout">,
  values: ParamValues = resolveParams(name, params),
): LayoutSteps {
  return {
    name,
    steps: steps.flatMap((step): LayoutSteps["steps"] => {
      if (step.kind === "basis") return amountOf(step.if, values) === 0 ? [] : [step];
      if (step.kind === "channels") return [{ ...step, flush: channelsFlush(step, values) }];
      return [step.kind === "codes" ? codesRule(name, step, values) : step];
    }),
    ...(layout === undefined ? {} : { layout }),
  };
}

type Bits = CodesStep["bits"];
type Kinds = Extract<Bits, object>["kind"];

/** Whether a step's bits are of a kind, and no plain number. */
const isBits = <K extends Kinds>(bits: Bits, kind: K): bits is Extract<Bits, { kind: K }> =>
  typeof bits === "object" && bits.kind === kind;

/** The bits per channel of a variant, and the step that has them; null: its channels are coded alike. */
export function channelBitsOf(
  { steps }: Pick<Pruning, "steps">,
): { readonly bits: ChannelBits; readonly step: CodesStep } | null {
  for (const step of steps) {
    if (step.kind === "codes" && isBits(step.bits, "byChannel")) return { bits: step.bits, step };
  }
  return null;
}

/** The bits by row of a variant, and the path of their score; null: all its coded rows are alike. */
export function rowBitsOf(
  { steps }: Pick<Pruning, "steps">,
): { readonly bits: RowBits; readonly path: string } | null {
  for (const [index, step] of steps.entries()) {
    if (step.kind === "codes" && isBits(step.bits, "byRow")) {
      return { bits: step.bits, path: `steps[${index}].bits.score` };
    }
  }
  return null;
}

/** What scores a variant's channels: a channels() step, or the weights of byChannel(). */
export interface ChannelHook {
  /** The path of its hook. */
  readonly path: string;
  readonly of: "key" | "value";
  readonly queries: Accumulator<RowRing>;
  readonly group: "mean" | "max";
}

/** What scores a variant's channels, step by step; a variant has one at most. */
export function channelHooks({ steps }: Pick<Pruning, "steps">): ChannelHook[] {
  return steps.flatMap((step, i) => {
    if (step.kind === "channels") {
      return [{ path: `steps[${i}].score`, of: step.of, ...queriesOf(step) }];
    }
    if (step.kind !== "codes" || !isBits(step.bits, "byChannel")) return [];
    return [{ path: `steps[${i}].bits.weight`, of: "key", ...queriesOf(step.bits) }];
  });
}

const queriesOf = ({ queries, group }: Pick<ChannelHook, "queries" | "group">) => ({
  queries,
  group,
});

/** The step of a kind, where a variant has one. */
export function stepOf<K extends PruningStep["kind"]>(
  { steps }: Pick<Pruning, "steps">,
  kind: K,
): { readonly step: Extract<PruningStep, { kind: K }>; readonly index: number } | null {
  const index = steps.findIndex((step) => step.kind === kind);
  return index < 0 ? null : { step: steps[index] as Extract<PruningStep, { kind: K }>, index };
}
