/**
 * Renders a kernel that was not generated beforehand: another cache type, a layout of the user's own. The
 * run half imports this file dynamically, so that a plain run loads neither ts-morph nor nunjucks.
 */

import { KerfError } from "../core/error.ts";
import { TARGETS } from "../core/manifest.ts";
import type { Target } from "../core/manifest.ts";
import { renderDiagnostics } from "../frontend/mod.ts";
import { findKernel, isOnTarget } from "./catalog.ts";
import type { CatalogEntry } from "./catalog.ts";
import { emitKernel } from "./emit_kernels.ts";
import type { EmittedKernel } from "./emit_kernels.ts";
import { openTemplates } from "./environment.ts";
import { templatePath } from "./render.ts";
import { loadSources } from "./sources.ts";
import { EMIT_TARGETS } from "./targets/mod.ts";
import type { KernelSource } from "./types.ts";

/** Renders kernels by name. */
export interface Renderer {
  /** The kernels of the project, sorted by path. */
  readonly sources: readonly KernelSource[];
  /**
   * @param name `attention_causal_decode__k_f32t16_v_f32t1`
   * @param targets all when absent
   * @returns its manifest entry and its text per target; nothing is written
   * @throws {KerfError} no definition makes a kernel of this name, or a target has no template for it
   */
  render(name: string, targets?: readonly Target[]): Promise<EmittedKernel>;
  /**
   * Whether a target has no template for a kernel.
   *
   * @throws {KerfError} no definition makes a kernel of this name
   */
  lacks(name: string, target: Target): boolean;
}

/**
 * Reads the kernels of the project at `root` once.
 *
 * @throws {KerfError} a kernel file has problems
 */
export async function openRenderer(root: string): Promise<Renderer> {
  const { sources, diagnostics } = await loadSources(root);
  if (diagnostics.length > 0) {
    throw new KerfError(
      `Cannot read the kernels:\n${renderDiagnostics(diagnostics, { color: false })}`,
      {
        hint: "deno task gen",
      },
    );
  }
  const templates = openTemplates(`${root}/templates`);
  const find = (name: string): CatalogEntry => {
    const found = findKernel(sources, name);
    if (found !== undefined) return found;
    throw new KerfError(`Cannot render kernel "${name}": no file in kernels/ makes it`, {
      hint: "deno task gen",
    });
  };
  return {
    sources,
    async render(name, targets = TARGETS) {
      const wanted = EMIT_TARGETS.filter((target) => targets.includes(target.name));
      return await emitKernel(find(name), wanted, templates);
    },
    lacks(name, target) {
      const found = find(name);
      const emitTarget = EMIT_TARGETS.find((known) => known.name === target)!;
      if (!isOnTarget(found, emitTarget)) return true;
      const unit = found.family.emit(found.source, found.request, emitTarget);
      return !templates.has(templatePath(unit, emitTarget));
    },
  };
}
