/** Which variants of a project are verified, by name: every file's, and compositions of them. */

import { KerfError } from "../core/error.ts";
import { nearest } from "../core/nearest.ts";
import { isPerRow } from "../dsl/pruning.ts";
import type { Pruning, PruningStep } from "../dsl/pruning.ts";
import { wrapped } from "../dsl/wrapper.ts";
import type { Wrapper } from "../dsl/wrapper.ts";
import type { Renderer } from "../emit/renderer.ts";
import type { KernelSource } from "../emit/types.ts";
import { layoutOf } from "../layout/make.ts";
import type { LayoutSteps } from "../layout/make.ts";
import { layoutName } from "../layout/name.ts";
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

/** The order in which steps run; a composition has at most one of each. */
const ORDER: readonly PruningStep["kind"][] = ["tokens", "channels", "basis", "codes"];

/** The kinds of a definition's steps, each once: keys and values are coded by two. */
const kindsOf = ({ definition }: KernelSource): PruningStep["kind"][] =>
  definition.kind === "pruning"
    ? [...new Set((definition as Pruning).steps.map(({ kind }) => kind))]
    : [];

const declaresLayout = (sources: readonly KernelSource[]): boolean =>
  sources.some(({ definition }) => (definition as Partial<Pruning>).layout !== undefined);

/** Whether rows lie in classes, values lose channels, or keys some of their own: no stage here follows them. */
function heldByTests({ definition }: KernelSource): boolean {
  if (definition.kind !== "pruning") return false;
  return (definition as Pruning).steps.some((step) =>
    step.kind === "channels" && (step.of === "value" || isPerRow(step)) ||
    step.kind === "codes" && typeof step.bits === "object"
  );
}

/** What holds the kernels of those to their definitions. */
const STAGE_TESTS =
  "deno test -A tests/row_classes_test.ts tests/row_sets_test.ts tests/parity_kernels_test.ts";

/** The names of variants that are left out, and what holds them to their references. */
export const skippedVariants = (
  { sources }: Project,
): { readonly names: readonly string[]; readonly fix: string } => ({
  names: sources.filter(heldByTests).map(({ definition }) => definition.name),
  fix: STAGE_TESTS,
});

/** The variants of files; a wrapper stands for what it wraps where nobody says. */
function singles({ sources }: Project): VerifiedVariant[] {
  return sources.flatMap((source): VerifiedVariant[] => {
    const { definition } = source;
    const { kind, name } = definition;
    if (heldByTests(source)) return [];
    if (kind === "attention" || kind === "pruning") return [{ name, kind, sources: [source] }];
    if (kind !== "wrapper") return [];
    const { of } = definition as Wrapper;
    const inner = sources.find((s) => s.definition.kind === "pruning" && s.definition.name === of);
    if (inner === undefined) return [];
    const made = wrapped(definition as Wrapper, inner.definition as Pruning);
    return [{ name, kind: "pruning", sources: [{ ...inner, doc: source.doc, definition: made }] }];
  });
}

const composed = (parts: readonly VerifiedVariant[]): VerifiedVariant => ({
  name: parts.map(({ name }) => name).join("+"),
  kind: "pruning",
  sources: parts.flatMap(({ sources }) => sources),
});

const layoutNameOf = (variant: Pick<VerifiedVariant, "sources">): string =>
  layoutName(layoutOf(layoutSteps({ variants: variant.sources }), { key: "f16", value: "f16" }));

/** One composition for each layout that no file makes by itself. */
function compositions(files: readonly VerifiedVariant[]): VerifiedVariant[] {
  const prunings = files.filter(({ kind }) => kind === "pruning");
  const only = (step: PruningStep["kind"]) =>
    prunings.filter(({ sources }) =>
      sources.flatMap(kindsOf).join() === step && !declaresLayout(sources)
    );
  const [evicting, pruning, coding] = [only("tokens"), only("channels"), only("codes")];
  const known = new Set(prunings.map(layoutNameOf));
  const pairs = [[evicting, pruning], [pruning, coding]] as const;
  return pairs.flatMap(([first, second]) =>
    first.flatMap((one) => second.map((other) => composed([one, other])))
  ).filter((variant) => {
    const name = layoutNameOf(variant);
    return !known.has(name) && known.add(name);
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
  if (skippedVariants(project).names.includes(part)) {
    throw new KerfError(
      `Cannot verify "${name}": "${part}" orders rows, or prunes values or channels by row, whose cases are tests`,
      { hint: STAGE_TESTS, exitCode: 2 },
    );
  }
  const names = known.map((variant) => variant.name);
  const near = nearest(part, names);
  throw new KerfError(`Cannot verify "${name}": no variant has the name "${part}"`, {
    hint: [...(near ? [`did you mean ${near}?`] : []), `there are: ${names.join(", ")}`],
    exitCode: 2,
  });
}

/** What runs turns that evict coded rows, whose scales are shared, through the whole engine. */
const EVICTED_CODES_TESTS = "deno test -A tests/evicted_codes_test.ts";

/** @throws {KerfError} exit code 2: steps of one kind, or in another order than they run */
function checkComposition(name: string, parts: readonly VerifiedVariant[]): void {
  const kinds = parts.flatMap(({ sources }) => sources.flatMap(kindsOf));
  const places = kinds.map((kind) => ORDER.indexOf(kind));
  const rises = places.every((place, i) => i === 0 || place > places[i - 1]!);
  if (rises && kinds.includes("tokens") && kinds.includes("codes")) {
    throw new KerfError(`Cannot verify "${name}": evicted rows that are coded are held by tests`, {
      hint: EVICTED_CODES_TESTS,
      exitCode: 2,
    });
  }
  const own = parts.some(({ sources }) => declaresLayout(sources));
  if (rises && !own && parts.every(({ kind }) => kind === "pruning")) return;
  throw new KerfError(`Cannot verify "${name}": these do not compose`, {
    hint: "name one that evicts rows or codes them, and one that prunes channels, in their order",
    exitCode: 2,
  });
}

/** Steps of one pruning variant, or composition, per layout that they make. */
export function layoutMakers(project: Project): LayoutSteps[] {
  const makers = new Map<string, LayoutSteps>();
  for (const variant of variantsOf(project)) {
    if (variant.kind !== "pruning") continue;
    const name = layoutNameOf(variant);
    if (!makers.has(name)) makers.set(name, layoutSteps({ variants: variant.sources }));
  }
  return [...makers.values()];
}
