/**
 * Which kernels are generated beforehand: for every definition what its family asks for, given the
 * layouts that the shipped pruning variants make. Derived from the folder kernels/; names nothing.
 */

import { KerfError } from "../core/error.ts";
import type { Feature } from "../dsl/kernel.ts";
import { layoutSteps } from "../dsl/layout_steps.ts";
import type { Pruning } from "../dsl/pruning.ts";
import { denseLayout, layoutOf } from "../layout/make.ts";
import { layoutName, moveName } from "../layout/name.ts";
import { hasRowClasses } from "../layout/row_classes.ts";
import { rowSides } from "../layout/types.ts";
import type { Layout, Segment } from "../layout/types.ts";
import { FAMILIES } from "./families/mod.ts";
import type { EmitTarget } from "./target.ts";
import { kernelName } from "./types.ts";
import type { EmitRequest, Family, KernelSource, Shipped, ShippedMove } from "./types.ts";

/** A kernel to emit, with where it comes from. */
export interface CatalogEntry {
  readonly source: KernelSource;
  readonly family: Family;
  readonly request: EmitRequest;
}

/** The default cache types; a renderer makes kernels for the others when they are asked for. */
const TYPES = { key: "f16", value: "f16" } as const;

/**
 * Every kernel to generate beforehand.
 *
 * @throws {KerfError} two files make a kernel of the same name
 */
export function catalog(sources: readonly KernelSource[]): CatalogEntry[] {
  const shipped = shippedLayouts(sources);
  const entries = sources.flatMap((source) => {
    const family = familyOf(source);
    return family.heads(source).flatMap((head) =>
      family.variants(source, shipped, head)
        .map((suffixes) => ({ source, family, request: { head, suffixes } }))
    );
  });
  const owners = new Map<string, string>();
  for (const { source, request } of entries) {
    const name = kernelName(request);
    const owner = owners.get(name);
    if (owner !== undefined) {
      throw new KerfError(`Cannot emit kernel "${name}" twice: two files declare it`, {
        where: `${owner} and ${source.file}`,
        hint: `give the definition in ${source.file} a name of its own`,
      });
    }
    owners.set(name, source.file);
  }
  return entries;
}

/**
 * The kernel of a name, whether or not it is generated beforehand; undefined when no definition has such
 * a head, or has it without suffixes.
 */
export function findKernel(
  sources: readonly KernelSource[],
  name: string,
): CatalogEntry | undefined {
  const shipped = shippedLayouts(sources);
  for (const source of sources) {
    const family = familyOf(source);
    for (const head of family.heads(source)) {
      if (name !== head && !name.startsWith(`${head}__`)) continue;
      const suffixes = name.slice(head.length).split("__").slice(1);
      const counts = family.variants(source, shipped, head).map((variant) => variant.length);
      // Where no shipped layout needs the head, its family says what the suffixes name.
      if (counts.length === 0 || counts.includes(suffixes.length)) {
        return { source, family, request: { head, suffixes } };
      }
    }
  }
  return undefined;
}

function familyOf({ definition, file }: KernelSource): Family {
  const family = FAMILIES[definition.kind];
  if (family !== undefined) return family;
  throw new TypeError(`Cannot emit "${definition.name}" (${file}): no family "${definition.kind}"`);
}

/** What a head tells: products of codes, and what makes them. */
const Q8_HEAD = /_q8(_largest|_append)?$/;

/** The parts of Kerf that a kernel belongs to, where targets may lack them. */
const featuresOf = ({ request }: CatalogEntry): Feature[] =>
  Q8_HEAD.test(request.head) ? ["q8"] : [];

/** Whether a target has the templates of a kernel. */
export function isOnTarget(entry: CatalogEntry, { lacks }: Pick<EmitTarget, "lacks">): boolean {
  return !featuresOf(entry).some((feature) => lacks.has(feature));
}

/** The layouts of the shipped pruning variants, and the row moves inside them. */
export function shippedLayouts(sources: readonly KernelSource[]): Shipped {
  const layouts = new Map<string, Layout>();
  const [moves, ordered] = [new Map<string, ShippedMove>(), new Map<string, ShippedMove>()];
  const add = (layout: Layout) => layouts.set(layoutName(layout), layout);
  add(denseLayout(TYPES));
  for (const { definition } of sources) {
    if (definition.kind === "pruning") add(layoutOf(layoutSteps(definition as Pruning), TYPES));
  }
  for (const layout of layouts.values()) {
    for (const move of [...streamMoves(layout, "key"), ...streamMoves(layout, "value")]) {
      const isOrdered = hasRowClasses(layout) && move.from !== move.to;
      (isOrdered ? ordered : moves).set(moveName(move), move);
    }
  }
  return {
    layouts: [...layouts.values()],
    moves: [...moves.values()],
    orderedMoves: [...ordered.values()],
  };
}

/** Rows arrive in a stream's last segment; a compression moves them, as they are, to any of its segments. */
function streamMoves(layout: Layout, stream: ShippedMove["stream"]): ShippedMove[] {
  const moved = layout[stream].segments.map((own): Segment => ({ ...own, basis: "identity" }));
  const [from, sides] = [moved.at(-1)!, rowSides(layout, stream)];
  return moved.length < 2 ? [] : moved.map((to) => ({ stream, from, to, sides }));
}
