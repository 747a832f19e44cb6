/**
 * Runs programs on the stream: launch by launch the first time, as a graph from the second run of a size
 * on, so that what runs once never pays for a graph. A step with a product for cuBLAS is never a graph.
 */

import type { CudaContext } from "./context.ts";
import { outHandle } from "./driver.ts";
import { roundedStep, withGraph } from "./graph.ts";
import { launchKernel } from "./launch.ts";
import type { CudaProducts } from "./products.ts";
import { blocksOf, type CudaLaunch, type CudaProgram } from "./program.ts";
import type { Release } from "./release.ts";

/** Graphs of a program at most: steps of yet another size are launched one by one. */
const MAX_GRAPHS = 64;

/** Sizes of step a program ran with: undefined after the first run, then its graph. */
type Graphs = Map<string, bigint | undefined>;

/** What runs the programs of one device. */
export class CudaRunner {
  readonly #context: CudaContext;
  readonly #graphs = new WeakMap<CudaProgram, Graphs>();
  readonly #executables = new Set<bigint>();

  readonly #products: CudaProducts | undefined;

  /** @param products absent: generated kernels do all of them */
  constructor(context: CudaContext, products: CudaProducts | undefined) {
    this.#context = context;
    this.#products = products;
  }

  /** Puts a program's work on the stream. */
  enqueue(program: CudaProgram, step: Uint32Array): void {
    // What cuBLAS launches depends on sizes in ways of its own: no graph's grid covers it.
    if (program.launches.some((launch) => this.#takes(launch, step))) {
      return this.#launch(program, step);
    }
    const rounded = roundedStep(step);
    const executable = this.#executableFor(program, rounded);
    if (executable === undefined) return this.#launch(program, step);
    this.#context.driver.call.cuGraphLaunch(executable, this.#context.stream);
  }

  /** What destroys every graph. */
  releases(): Release[] {
    const { call } = this.#context.driver;
    return [...this.#executables].map((executable) => () => call.cuGraphExecDestroy(executable));
  }

  #executableFor(program: CudaProgram, rounded: readonly number[]): bigint | undefined {
    const graphs: Graphs = this.#graphs.get(program) ?? new Map();
    this.#graphs.set(program, graphs);
    const key = rounded.join();
    const known = graphs.get(key);
    if (known !== undefined) return known;
    if (!graphs.has(key)) {
      if (graphs.size < MAX_GRAPHS) graphs.set(key, undefined);
      return undefined;
    }
    const { call } = this.#context.driver;
    withGraph(this.#context, { program, step: rounded }, (graph) => {
      const executable = outHandle((to) => call.cuGraphInstantiateWithFlags(to, graph, 0n));
      this.#executables.add(executable);
      graphs.set(key, executable);
    });
    return graphs.get(key);
  }

  #takes({ product }: CudaLaunch, step: Uint32Array): boolean {
    return product !== undefined && this.#products?.takes(product, step) === true;
  }

  #launch(program: CudaProgram, step: Uint32Array): void {
    for (const launch of program.launches) {
      if (this.#takes(launch, step)) {
        this.#products!.enqueue(launch.product!, step);
        continue;
      }
      const blocks = blocksOf(launch, step);
      if (blocks > 0) launchKernel(this.#context, launch.kernel, { blocks, extra: launch.extra });
    }
  }
}
