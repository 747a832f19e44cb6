/**
 * A program as one CUDA graph. The nodes of invocations without a barrier between them may run side by
 * side; all others wait for the ones before.
 */

import type { CudaContext } from "./context.ts";
import { outHandle } from "./driver.ts";
import { blocksOf, type CudaLaunch, type CudaProgram } from "./program.ts";
import { kernelNodeParams } from "./structs.ts";

/**
 * A step that is at least as large in every field and the same for all steps of about one size: each field
 * rounded up to a power of two. A graph's grids are fixed, so there is one graph for each of these.
 *
 * @example
 * ```ts
 * import { roundedStep } from "./graph.ts";
 * if (roundedStep(Uint32Array.of(5, 1, 0, 64, 65, 3)).join() !== "8,1,0,64,128,4") throw new Error();
 * ```
 */
export function roundedStep(step: Uint32Array): number[] {
  return Array.from(step, (n) => n <= 1 ? n : 2 ** Math.ceil(Math.log2(n)));
}

/** Makes the graph of a program for steps up to a rounded one; it is gone after `use`. */
export function withGraph(
  { driver: { call } }: CudaContext,
  { program, step }: { readonly program: CudaProgram; readonly step: readonly number[] },
  use: (graph: bigint) => void,
): void {
  const graph = outHandle((to) => call.cuGraphCreate(to, 0));
  try {
    let before: bigint[] = [];
    for (const group of sideBySide(program.launches)) {
      const nodes: bigint[] = [];
      for (const launch of group) {
        const blocks = blocksOf(launch, step);
        if (blocks === 0) continue;
        const params = kernelNodeParams({ ...launch.kernel, blocks }, launch.extraAddress);
        const dependencies = BigUint64Array.from(before);
        nodes.push(
          outHandle((to) =>
            call.cuGraphAddKernelNode_v2(to, graph, dependencies, BigInt(before.length), params)
          ),
        );
      }
      if (nodes.length > 0) before = nodes;
    }
    use(graph);
  } finally {
    call.cuGraphDestroy(graph);
  }
}

/** Launches in groups that end where a barrier is. */
export function sideBySide(launches: readonly CudaLaunch[]): CudaLaunch[][] {
  const groups: CudaLaunch[][] = [];
  let open = false;
  for (const launch of launches) {
    if (open) groups.at(-1)!.push(launch);
    else groups.push([launch]);
    open = launch.invocation.barrier === false;
  }
  return groups;
}
