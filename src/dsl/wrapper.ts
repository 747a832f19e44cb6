/**
 * Wrappers: variants that change the declared data of another one's token step and keep its score. A spec
 * names the inner one, `adakv:of=tova,budget=512`; parameters of both are set in one list.
 */

import { KerfError } from "../core/error.ts";
import type { ParamSpecs } from "./params.ts";
import { checkAmounts } from "./pruning.ts";
import type { Pruning } from "./pruning.ts";
import type { TokensStep } from "./tokens.ts";
import type { Definition } from "./types.ts";

/** What a wrapper may set of a token step: how scores meet and what is kept, never the score. */
export type TokensChange = Partial<
  Pick<
    TokensStep,
    | "scope"
    | "pool"
    | "block"
    | "group"
    | "keep"
    | "remove"
    | "multiple"
    | "enough"
    | "protect"
    | "share"
    | "every"
    | "positions"
  >
>;

/** What an author writes. */
export interface WrapperSpec {
  readonly name: string;
  readonly source?: string;
  /** The variant that is wrapped where a spec names none. */
  readonly of: string;
  readonly params?: ParamSpecs;
  /** Amounts may name parameters of the wrapper and of what it wraps. */
  readonly tokens: TokensChange;
}

/** A declared wrapper. */
export interface Wrapper extends Definition, WrapperSpec {
  readonly kind: "wrapper";
  readonly params: ParamSpecs;
}

/** Declares a wrapper; a file in kernels/prune/ exports one as its default. */
export function wrapper(spec: WrapperSpec): Wrapper {
  return Object.freeze({ params: {}, ...spec, kind: "wrapper", hooks: [] });
}

/**
 * The inner variant with the wrapper's data in place of its own.
 *
 * @throws {KerfError} exit code 2: the inner one has no token step
 * @throws {TypeError} an amount names a parameter of neither
 */
export function wrapped({ name, params, tokens }: Wrapper, inner: Pruning): Pruning {
  if (!inner.steps.some(({ kind }) => kind === "tokens")) {
    throw new KerfError(`Cannot wrap "${inner.name}" in "${name}": it evicts no rows`, {
      hint: `${name}:of=snapkv`,
      exitCode: 2,
    });
  }
  const steps = inner.steps.map((step) => step.kind === "tokens" ? { ...step, ...tokens } : step);
  const both = { ...inner, params: { ...inner.params, ...params }, steps };
  checkAmounts(both);
  return Object.freeze(both);
}
