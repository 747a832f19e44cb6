/**
 * The variant of a spec's step in the wrappers that it names: each may name a wrapper, and the numbers of all are
 * set in one list.
 */

import { KerfError } from "../core/error.ts";
import type { Pruning } from "../dsl/pruning.ts";
import { wrapped } from "../dsl/wrapper.ts";
import type { Wrapper } from "../dsl/wrapper.ts";
import { loadDefinition } from "./registry.ts";
import { parseSpec } from "./spec.ts";
import type { SpecStep } from "./spec.ts";

/** A step's variant and its numbers. */
export interface LoadedStep {
  readonly definition: Pruning;
  readonly spec: SpecStep;
}

/**
 * A step's variant in its wrappers.
 *
 * @throws {KerfError} exit code 2: no such variant, or one that cannot be wrapped so; 1: a file of another kind
 */
export async function loadPruning(step: SpecStep): Promise<LoadedStep> {
  const { wrappers, definition, values } = await loadWrapped(step);
  return { definition: wrapped(wrappers, definition), spec: { ...step, values } };
}

/** A variant in wrappers, the outermost first, and the numbers of all of them. */
interface WrappedStep {
  readonly wrappers: readonly Wrapper[];
  readonly definition: Pruning;
  readonly values: SpecStep["values"];
}

/** A step's variant and the wrappers around it; `implied`: the names of those that said nothing else. */
async function loadWrapped(
  { name, values: typed }: SpecStep,
  implied: readonly string[] = [],
): Promise<WrappedStep> {
  const definition = await loadDefinition<Pruning | Wrapper>("prune", name);
  if (definition.kind === "pruning") {
    if (typed.of === undefined || Object.hasOwn(definition.params, "of")) {
      return { wrappers: [], definition, values: typed };
    }
    throw new KerfError(`Cannot wrap "${typed.of}" in "${name}": it is no wrapper`, {
      hint: `--prune ${typed.of}`,
      exitCode: 2,
    });
  }
  if (definition.kind !== "wrapper") {
    const { kind } = definition as { readonly kind: string };
    throw new KerfError(`Cannot prune with "${name}": its file declares a ${kind}`, {
      where: `kernels/prune/${name}.ts`,
      hint: "export default pruning({ … })",
    });
  }
  // What it wraps is no parameter.
  const { of = definition.of, ...values } = typed;
  const [own, ...others] = parseSpec(String(of));
  const refuse = (why: string) => {
    const hint = `${name}:of=${definition.of}`;
    throw new KerfError(`Cannot wrap "${of}" in "${name}": ${why}`, { hint, exitCode: 2 });
  };
  if (!own || others.length > 0) return refuse("a wrapper changes one variant");
  if (implied.includes(name)) return refuse("it wraps itself");
  const inner = await loadWrapped(own, typed.of === undefined ? [...implied, name] : implied);
  const twice = Object.keys(values).find((key) => Object.hasOwn(inner.values, key));
  if (twice !== undefined) return refuse(`${twice} is set twice`);
  return {
    wrappers: [definition, ...inner.wrappers],
    definition: inner.definition,
    values: { ...inner.values, ...values },
  };
}
