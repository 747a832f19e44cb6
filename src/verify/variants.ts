/** Which variants of a project are verified, by name: every file's, wrappers in wrappers, and compositions. */

import { KerfError } from "../core/error.ts";
import { nearest } from "../core/nearest.ts";
import type { Pruning } from "../dsl/pruning.ts";
import { wrapped } from "../dsl/wrapper.ts";
import type { Wrapper } from "../dsl/wrapper.ts";
import type { Renderer } from "../emit/renderer.ts";
import type { KernelSource } from "../emit/types.ts";
import type { LayoutSteps } from "../layout/steps.ts";
import { checkComposition, composed, compositions, layoutNameOf } from "./compositions.ts";
import { layoutSteps } from "./pruning_case.ts";

/** A project as far as its variants go. */
type Project = Pick<Renderer, "sources">;

/** A variant, or a composition of pruning variants. */
export interface VerifiedVariant {
  /** Of a composition those of its parts: `a+b`; of a wrapper around another than its own: `a:of=b`. */
  readonly name: string;
  readonly kind: "attention" | "pruning";
  /** Whether a file makes it by itself. */
  readonly isFile: boolean;
  /** In the order of their steps; one but for compositions. */
  readonly sources: readonly KernelSource[];
}

/** What stands between the names of a wrapper and of what it wraps. */
const OF = ":of=";

/** The variants of files; a wrapper stands for what it wraps where nobody says. */
function singles(project: Project): VerifiedVariant[] {
  return project.sources.flatMap((source): VerifiedVariant[] => {
    const { kind, name } = source.definition;
    if (kind === "attention") return [{ name, kind, isFile: true, sources: [source] }];
    const made = kind === "pruning" || kind === "wrapper" ? wrappedVariant(project, name) : null;
    return made ? [made] : [];
  });
}

/**
 * The pruning variant of a name, or of names from a wrapper inward; null: there is none.
 *
 * @throws {KerfError} exit code 2: these do not wrap each other
 */
function wrappedVariant({ sources }: Project, name: string): VerifiedVariant | null {
  const [outermost, ...inward] = name.split(OF);
  const found = (name: string | undefined, kind: string) =>
    sources.find(({ definition }) => definition.name === name && definition.kind === kind);
  const wrappers: Wrapper[] = [];
  let next = outermost;
  for (let own = found(next, "wrapper"); own; own = found(next, "wrapper")) {
    const wrapper = own.definition as Wrapper;
    // Wrappers that name each other wrap nothing.
    if (inward.length === 0 && wrappers.includes(wrapper)) return null;
    wrappers.push(wrapper);
    next = inward.shift() ?? wrapper.of;
  }
  const inner = found(next, "pruning");
  if (inner === undefined || inward.length > 0) return null;
  const definition = wrapped(wrappers, inner.definition as Pruning);
  const { doc } = found(outermost, "wrapper") ?? inner;
  const isFile = name === outermost;
  return { name, kind: "pruning", isFile, sources: [{ ...inner, doc, definition }] };
}

/** Every two wrappers that change different things, one in the other. */
function nested(project: Project): VerifiedVariant[] {
  const names = project.sources.filter(({ definition }) => definition.kind === "wrapper")
    .map(({ definition }) => definition.name);
  const pairs = names.flatMap((outer, i) => names.slice(i + 1).map((inner) => outer + OF + inner));
  return pairs.flatMap((name) => {
    try {
      return wrappedVariant(project, name) ?? [];
    } catch (error) {
      if (error instanceof KerfError) return [];
      throw error;
    }
  });
}

/** What is verified when nothing is named. */
export function variantsOf(project: Project): VerifiedVariant[] {
  const files = singles(project);
  return [...files, ...nested(project), ...compositions(files)];
}

/**
 * The variants of these names; all for none. A name may compose several, `a+b`, and wrap one, `a:of=b`.
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
  const found = known.find((variant) => variant.name === part) ?? wrappedVariant(project, part);
  if (found) return found;
  const names = known.map((variant) => variant.name);
  const near = nearest(part, names);
  const what = part === name ? "there is no such variant" : `there is no variant "${part}"`;
  throw new KerfError(`Cannot verify "${name}": ${what}`, {
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
