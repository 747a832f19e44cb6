/** Which variants of a project are verified, by name; and which are not, and why. */

import { KerfError } from "../core/error.ts";
import { nearest } from "../core/nearest.ts";
import { stepOf } from "../dsl/pruning.ts";
import type { Pruning } from "../dsl/pruning.ts";
import type { Renderer } from "../emit/renderer.ts";
import type { KernelSource } from "../emit/types.ts";
import { layoutOf } from "../layout/make.ts";
import { layoutName } from "../layout/name.ts";

/** A project as far as its variants go. */
type Project = Pick<Renderer, "sources">;

const isVariant = ({ definition: { kind } }: KernelSource): boolean =>
  kind === "attention" || kind === "pruning";

/** Whether a definition evicts rows: its kernels are held to their reference in tests/parity/. */
const evicts = ({ definition }: KernelSource): boolean =>
  definition.kind === "pruning" && stepOf(definition as Pruning, "tokens") !== null;

/** What runs the cases of variants that are not verified here. */
const PARITY_TESTS = "deno test -A tests/parity_kernels_test.ts";

/** The variants that are verified. */
export const variantsOf = ({ sources }: Project): KernelSource[] =>
  sources.filter((source) => isVariant(source) && !evicts(source));

/** Variants that are not verified. */
export interface SkippedVariants {
  readonly variants: readonly string[];
  readonly because: string;
  readonly fix: string;
}

/** What a verification of everything leaves out; null: nothing. */
export function skippedVariants({ sources }: Project): SkippedVariants | null {
  const variants = sources.filter((source) => isVariant(source) && evicts(source))
    .map(({ definition }) => definition.name);
  if (variants.length === 0) return null;
  const because = "they evict rows, and tests hold these kernels to their references";
  return { variants, because, fix: PARITY_TESTS };
}

/**
 * The variants of these names; all for none.
 *
 * @throws {KerfError} exit code 2: a name is no variant's
 */
export function selectVariants(project: Project, names: readonly string[]): KernelSource[] {
  const variants = variantsOf(project);
  const known = variants.map(({ definition }) => definition.name);
  const skipped = skippedVariants(project)?.variants ?? [];
  for (const name of names) {
    if (known.includes(name)) continue;
    if (skipped.includes(name)) {
      throw new KerfError(`Cannot verify "${name}": it evicts rows, whose cases are tests`, {
        hint: PARITY_TESTS,
        exitCode: 2,
      });
    }
    const near = nearest(name, known);
    throw new KerfError(`Cannot verify "${name}": no variant has this name`, {
      hint: [...(near ? [`did you mean ${near}?`] : []), `there are: ${known.join(", ")}`],
      exitCode: 2,
    });
  }
  if (names.length === 0) return variants;
  return variants.filter(({ definition }) => names.includes(definition.name));
}

/** One pruning variant per layout that they make. */
export function layoutMakers(sources: readonly KernelSource[]): Pruning[] {
  const makers = new Map<string, Pruning>();
  for (const source of sources) {
    const { definition } = source;
    if (definition.kind !== "pruning" || evicts(source)) continue;
    const name = layoutName(layoutOf(definition as Pruning, { key: "f16", value: "f16" }));
    if (!makers.has(name)) makers.set(name, definition as Pruning);
  }
  return [...makers.values()];
}
