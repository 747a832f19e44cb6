/**
 * Pruning variants: a list of steps, each a score and the declared data around it. A variant never
 * selects, sorts or touches the cache: higher score = keep, ties keep the lower index, and budget and
 * protection are applied in one place.
 */

import type { CacheTypes, StreamTiles } from "../layout/steps.ts";
import type { Layout } from "../layout/types.ts";
import type { BasisStep } from "./basis.ts";
import type { ChannelsStep } from "./channels.ts";
import type { CodesStep } from "./codes.ts";
import { checkAmounts } from "./declared_amounts.ts";
import { checkDefaults, paramArgs } from "./params.ts";
import type { ParamSpecs } from "./params.ts";
import { isScored } from "./steps.ts";
import { tableArgs } from "./table.ts";
import type { TableSpecs } from "./table.ts";
import { tokenScoreArgs } from "./tokens.ts";
import type { TokensStep } from "./tokens.ts";
import { column, record, scalar } from "./types.ts";
import type { Definition, Hook, HookArg } from "./types.ts";

/** A step of a variant. */
export type PruningStep = ChannelsStep | TokensStep | BasisStep | CodesStep;

/** A step that scores; its score is a hook. */
export type ScoredStep = ChannelsStep | TokensStep;

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

/**
 * Declares a pruning variant; a file in kernels/prune/ exports one as its default.
 *
 * @throws {TypeError} an amount is no number of its kind or names neither a parameter nor, for `keep`, a table;
 * a parameter's default is out of its range
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
  checkDefaults(spec.name, params);
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
