/**
 * Wrappers: variants that change the declared data of another one's token step and keep its score. A spec
 * names the inner one, `adakv:of=tova,budget=512`, which may be a wrapper itself, `adakv:of=massed:of=tova`;
 * parameters of all are set in one list.
 */

import { KerfError } from "../core/error.ts";
import { checkAmounts } from "./declared_amounts.ts";
import { checkDefaults } from "./params.ts";
import type { ParamSpecs } from "./params.ts";
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
  /** The variant, or the wrapper, that is wrapped where a spec names none. */
  readonly of: string;
  readonly params?: ParamSpecs;
  /** Amounts may name parameters of the wrapper and of what it wraps. `keep` and `remove` replace each other. */
  readonly tokens: TokensChange;
}

/** A declared wrapper. */
export interface Wrapper extends Definition, WrapperSpec {
  readonly kind: "wrapper";
  readonly params: ParamSpecs;
}

/**
 * Declares a wrapper; a file in kernels/prune/ exports one as its default.
 *
 * @throws {TypeError} a parameter's default is out of its range
 */
export function wrapper(spec: WrapperSpec): Wrapper {
  checkDefaults(spec.name, spec.params ?? {});
  return Object.freeze({ params: {}, ...spec, kind: "wrapper", hooks: [] });
}

/**
 * The inner variant with the wrappers' data in place of its own.
 *
 * @param wrappers the outermost first
 * @throws {KerfError} exit code 2: the inner one has no token step, or two wrappers set the same of it
 * @throws {TypeError} an amount names a parameter of none of them, or is no number of its kind
 */
export function wrapped(wrappers: readonly Wrapper[], inner: Pruning): Pruning {
  const [outermost] = wrappers;
  if (outermost && !inner.steps.some(({ kind }) => kind === "tokens")) {
    throw new KerfError(`Cannot wrap "${inner.name}" in "${outermost.name}": it evicts no rows`, {
      hint: `${outermost.name}:of=snapkv`,
      exitCode: 2,
    });
  }
  checkFields(wrappers, inner);
  const all = wrappers.toReversed().reduce(
    ({ params, steps }, own) => ({
      params: { ...params, ...own.params },
      steps: steps.map((step) => step.kind === "tokens" ? changed(step, own.tokens) : step),
    }),
    { params: inner.params, steps: inner.steps },
  );
  const made = { ...inner, ...all };
  checkAmounts(made);
  return Object.freeze(made);
}

/** A budget is one of two fields. */
const isBudget = (field: string): boolean => field === "keep" || field === "remove";

function changed(step: TokensStep, change: TokensChange): TokensStep {
  const { keep: _, remove: __, ...rest } = step;
  return { ...(Object.keys(change).some(isBudget) ? rest : step), ...change };
}

/** @throws {KerfError} two wrappers set the same field of the token step */
function checkFields(wrappers: readonly Wrapper[], inner: Pruning): void {
  const fieldOf = (field: string) => isBudget(field) ? "keep" : field;
  for (const [i, outer] of wrappers.entries()) {
    const own = Object.keys(outer.tokens).map(fieldOf);
    for (const [j, other] of [...wrappers.entries()].slice(i + 1)) {
      const field = Object.keys(other.tokens).map(fieldOf).find((field) => own.includes(field));
      if (field === undefined) continue;
      const rest = [...wrappers.toSpliced(j, 1), inner];
      throw new KerfError(
        `Cannot wrap "${other.name}" in "${outer.name}": both set \`${field}\`, and a head's rows ` +
          "are chosen once",
        { hint: `--prune ${rest.map(({ name }) => name).join(":of=")}`, exitCode: 2 },
      );
    }
  }
}
