/** Kernels rendered afresh from kernels/ and templates/ for one target, once per process. */

import { catalog, findKernel, isOnTarget } from "../src/emit/catalog.ts";
import { emitKernel } from "../src/emit/emit_kernels.ts";
import type { EmittedKernel } from "../src/emit/emit_kernels.ts";
import { openTemplates } from "../src/emit/environment.ts";
import { loadSources } from "../src/emit/sources.ts";
import type { EmitTarget } from "../src/emit/target.ts";
import { projectRoot } from "../src/sys/cache_dir.ts";

export const { sources } = await loadSources(projectRoot());
const templates = openTemplates(`${projectRoot()}/templates`);

/** What renders kernels for a target. */
export interface Renderer {
  /** A kernel by its name, whether or not it is generated beforehand. */
  render(name: string): Promise<EmittedKernel>;
  /** Every kernel that is generated beforehand. */
  catalog(): Promise<EmittedKernel[]>;
}

/** The renderer of a target. */
export function rendererFor(target: EmitTarget): Renderer {
  const emitted = new Map<string, Promise<EmittedKernel>>();
  return {
    render: (name) => {
      let kernel = emitted.get(name);
      if (kernel === undefined) {
        kernel = emitKernel(findKernel(sources, name)!, [target], templates);
        emitted.set(name, kernel);
      }
      return kernel;
    },
    catalog: () =>
      Promise.all(
        catalog(sources).filter((entry) => isOnTarget(entry, target))
          .map((entry) => emitKernel(entry, [target], templates)),
      ),
  };
}
