/** Which variants of a project are verified, by name: every file's, and compositions of them. */

import { KerfError } from "../core/error.ts";
import { nearest } from "../core/nearest.ts";
import type { Pruning } from "../dsl/pruning.ts";
import { wrapped } from "../dsl/wrapper.ts";
import type { Wrapper } from "../dsl/wrapper.ts";
import type { Renderer } from "../emit/renderer.ts";
import type { KernelSource } from "../emit/types.ts";
import type { LayoutSteps } from "../layout/make.ts";
import { checkComposition, composed, compositions, layoutNameOf } from "./compositions.ts";
import { layoutSteps } from "./pruning_case.ts";

/** A project as far as its variants go. */
type Project = Pick<Renderer, "sources">;

/** A variant, or a composition of pruning variants. */
export interface VerifiedVariant {
  /** Of a composition those of its parts: `a+b`. */
  readonly name: string;
  readonly kind: "attention" | "pruning";
  /** In the order of their steps; one but for compositions. */
  readonly sources: readonly KernelSource[];
}

/** The variants of files; a wrapper stands for what it wraps where nobody says. */
function singles({ sources }: Project): VerifiedVariant[] {
  return sources.flatMap((source): VerifiedVariant[] => {
    const { definition } = source;
    const { kind, name } = definition;
    if (kind === "attention" || kind === "pruning") return [{ name, kind, sources: [source] }];
    if (kind !== "wrapper") return [];
    const { of } = definition as Wrapper;
    const inner = sources.find((s) => s.definition.kind === "pruning" && s.definition.name === of);
    if (inner === undefined) return [];
    const made = wrapped(definition as Wrapper, inner.definition as Pruning);
    return [{ name, kind: "pruning", sources: [{ ...inner, doc: source.doc, definition: made }] }];
  });
}

/** What is verified when nothing is named. */
export function variantsOf(project: Project): VerifiedVariant[] {
  const files = singles(project);
  return [...files, ...compositions(files)];
}

/**
 * The variants of these names; all for none. A name may compose several: `a+b`.
 *
 * @throws {KerfError} exit code 2: a name is no variant's, or variants that cannot be composed
 */
export function selectVariants(project: Project, names: readonly string[]): VerifiedVariant[] {
  if (names.length === 0) return variantsOf(project);
  const known = singles(project);
  const order = (variant: VerifiedVariant) => known.findIndex(({ name }) => name === variant.name);
  return [...new Set(names)].map((name) => {
    const parts = name.split("+").map((part) => named(part, name, project));
    if (parts.length === 1) return parts[0]!;
    checkComposition(name, parts);
    return composed(parts);
  }).sort((a, b) => order(a) - order(b));
}

function named(part: string, name: string, project: Project): VerifiedVariant {
  const known = singles(project);
  const found = known.find((variant) => variant.name === part);
  if (found !== undefined) return found;
  const names = known.map((variant) => variant.name);
  const near = nearest(part, names);
  throw new KerfError(`Cannot verify "${name}": no variant has the name "${part}"`, {
    hint: [...(near ? [`did you mean ${near}?`] : []), `there are: ${names.join(", ")}`],
    exitCode: 2,
  });
}

/** Steps of one pruning variant per layout that they make; the cases of compositions end in attention themselves. */
export function layoutMakers(project: Project): LayoutSteps[] {
  const makers = new Map<string, LayoutSteps>();
  for (const variant of singles(project)) {
    if (variant.kind !== "pruning") continue;
    const name = layoutNameOf(variant);
    if (!makers.has(name)) makers.set(name, layoutSteps({ variants: variant.sources }));
  }
  return [...makers.values()];
}
