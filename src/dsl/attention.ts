/**
 * Attention variants: what happens to a scaled score, and which keys a query may see. The template owns
 * tiles, the online softmax and the walk over segments; the variant owns these two expressions.
 */

import { checkDefaults, paramArgs } from "./params.ts";
import type { ParamSpecs, ParamValues } from "./params.ts";
import { tableArgs } from "./table.ts";
import type { TableSpecs, TableView } from "./table.ts";
import { record, scalar } from "./types.ts";
import type { Definition, f32, Hook, i32 } from "./types.ts";

/** What both hooks may read beside the score. */
export interface AttentionContext {
  /** True position of the query's token, from 0. */
  readonly queryPosition: i32;
  /** True position of the key's token, from 0. */
  readonly keyPosition: i32;
  /** Query head, 0 … nHeads − 1. */
  readonly head: i32;
  /** The KV head it reads, 0 … nKvHeads − 1. */
  readonly kvHead: i32;
  /** 0 … nLayers − 1. */
  readonly layer: i32;
}

type Context<P extends ParamSpecs, T extends TableSpecs> =
  & AttentionContext
  & ParamValues<P>
  & { readonly [K in keyof T]: TableView };

/** What an author writes. */
export interface AttentionSpec<P extends ParamSpecs, T extends TableSpecs> {
  readonly name: string;
  readonly source?: string;
  readonly params?: P;
  readonly tables?: T;
  /** The logit from s = q·k / √headDim; the identity when absent. */
  readonly score?: (s: f32, context: Context<P, T>) => f32;
  /**
   * Whether the query sees the key; s is the score before `score`. Comparisons on keyPosition become the
   * range that is visited.
   */
  readonly mask: (s: f32, context: Context<P, T>) => boolean;
}

/** A declared attention variant. */
export interface Attention extends Definition {
  readonly kind: "attention";
  readonly params: ParamSpecs;
  readonly tables: TableSpecs;
}

const identity = (s: f32): f32 => s;

/**
 * Declares an attention variant; a file in kernels/attention/ exports one as its default.
 *
 * @throws {TypeError} a parameter's default is out of its range
 *
 * @example
 * ```ts
 * import { attention } from "kerf/dsl";
 * const halved = attention({
 *   name: "halved",
 *   score: (s) => s / 2,
 *   mask: (_, { queryPosition, keyPosition }) => keyPosition <= queryPosition,
 * });
 * if (halved.hooks.map((hook) => hook.path).join() !== "score,mask") throw new Error("wrong");
 * ```
 */
export function attention<
  P extends ParamSpecs = Record<never, never>,
  T extends TableSpecs = Record<never, never>,
>(
  spec: AttentionSpec<P, T>,
): Attention {
  const params: ParamSpecs = spec.params ?? {};
  const tables: TableSpecs = spec.tables ?? {};
  checkDefaults(spec.name, params);
  const i = scalar("i32");
  const context = record({
    queryPosition: i,
    keyPosition: i,
    head: i,
    kvHead: i,
    layer: i,
    ...paramArgs(params),
    ...tableArgs(tables),
  });
  const args = [scalar("f32"), context];
  const hooks: Hook[] = [
    { path: "score", run: spec.score ?? identity, args, results: ["f32"] },
    { path: "mask", run: spec.mask, args, results: ["bool"] },
  ];
  return Object.freeze({
    kind: "attention",
    name: spec.name,
    ...(spec.source === undefined ? {} : { source: spec.source }),
    params,
    tables,
    hooks,
  });
}
