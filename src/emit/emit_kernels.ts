/**
 * Kernels to files and manifest entries: emits each kernel for each target and joins what the targets
 * say. A kernel's signature is the same on every target.
 */

import { KerfError } from "../core/error.ts";
import type { GeneratedSource, KernelEntry, Target } from "../core/manifest.ts";
import { sha256 } from "../core/hash.ts";
import { isOnTarget } from "./catalog.ts";
import { checkNames } from "./check_names.ts";
import type { CatalogEntry } from "./catalog.ts";
import type { TemplateEnvironment } from "./environment.ts";
import { renderUnit, templatePath } from "./render.ts";
import type { RenderedFile } from "./render.ts";
import type { EmitTarget, Geometry } from "./target.ts";
import { kernelName } from "./types.ts";

/** One kernel on every target asked for. */
export interface EmittedKernel {
  readonly entry: KernelEntry;
  /** The file's text, per target. */
  readonly texts: Partial<Record<Target, string>>;
}

/** Emits one kernel for those of the targets that have what it is part of. */
export async function emitKernel(
  catalogued: CatalogEntry,
  targets: readonly EmitTarget[],
  templates: TemplateEnvironment,
): Promise<EmittedKernel> {
  const { source, family, request } = catalogued;
  const sources: Partial<Record<Target, GeneratedSource>> = {};
  const texts: Partial<Record<Target, string>> = {};
  let signature: KernelEntry["signature"] | undefined;
  for (const target of targets.filter((target) => isOnTarget(catalogued, target))) {
    const unit = family.emit(source, request, target);
    checkNames(source, unit, target);
    const file = renderUnit(unit, target, templates);
    signature = sameSignature(signature, unit.signature);
    const geometry: Partial<Geometry> = target.geometry[unit.template] ?? {};
    const { grid = unit.grid, workgroup, sharedBytes } = geometry;
    sources[target.name] = {
      file: file.path,
      sha256: await sha256(file.text),
      template: `templates/${templatePath(unit, target)}`,
      grid,
      ...(workgroup === undefined ? {} : { workgroup }),
      ...(sharedBytes === undefined ? {} : { sharedBytes }),
      ...(geometry.product && unit.product ? { product: unit.product } : {}),
    };
    texts[target.name] = file.text;
  }
  if (signature === undefined) {
    throw new KerfError(
      `Cannot emit "${kernelName(request)}" for ${targets.map(({ name }) => name).join(", ")}: ` +
        "it is part of what no template is there for yet",
      { hint: "deno task gen without --target, or run it with --device cpu" },
    );
  }
  return { entry: { signature, sources, authored: source.authored }, texts };
}

/** The headers of a target: `generated/c/kerf.h` from `templates/c/kerf.h`, and those it writes itself. */
export function headerFiles(root: string, target: EmitTarget): RenderedFile[] {
  const folder = `templates/${target.name}`;
  const copied = [...Deno.readDirSync(`${root}/${folder}`)]
    .map((entry) => entry.name)
    .filter((name) => name.endsWith(`.${target.headerExtension}`))
    .sort()
    .map((name) => [name, Deno.readTextFileSync(`${root}/${folder}/${name}`)] as const);
  return [...copied, ...Object.entries(target.headers)]
    .map(([name, text]) => ({ path: `generated/${target.name}/${name}`, text }));
}

function sameSignature(
  known: KernelEntry["signature"] | undefined,
  next: KernelEntry["signature"],
) {
  if (known !== undefined && JSON.stringify(known) !== JSON.stringify(next)) {
    throw new TypeError(`Cannot emit "${next.name}": its signature differs between targets`);
  }
  return next;
}
