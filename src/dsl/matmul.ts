/**
 * Matrix products y = x · Wᵀ with an epilogue: what becomes of each output element before it is stored. An
 * output may need two products, such as a gate and what it gates. The template owns tiles, packed weights
 * and the order of the sum.
 */

import { rotateHook } from "./pairwise.ts";
import type { PairwiseSpec } from "./pairwise.ts";
import { paramArgs } from "./params.ts";
import type { StoredAs } from "./rowwise.ts";
import type { SplitNorm } from "./split_norm.ts";
import { record, scalar } from "./types.ts";
import type { Definition, f32, Hook } from "./types.ts";

/**
 * `largest`: of each sixteen outputs of a row only the largest and its place (src/core/packing.ts). `cache`: a row's
 * queries, rotated; its keys, rotated, and its values are appended to the cache.
 */
export type ProductStoredAs = StoredAs | "largest" | "cache";

/** Names of the two products of an output; none: there is one, which needs no name. */
export type ProductNames = readonly [] | readonly [string, string];

/** What an author writes. */
export interface MatmulSpec<I extends readonly string[], P extends ProductNames> {
  readonly name: string;
  readonly source?: string;
  /** Two products of an output, whose weights alternate in groups of sixteen rows. */
  readonly products?: P;
  /** Further f32 [nRows, nOut] operands of the epilogue, such as a residual. */
  readonly inputs?: I;
  readonly epilogue: (
    products: P extends readonly [] ? f32 : { readonly [K in P[number]]: f32 },
    inputs: { readonly [K in I[number]]: f32 },
  ) => f32;
  /**
   * What is made of the output: values, 8-bit codes that products read, the largest of each sixteen, rows of
   * the cache, or a kernel for each; codes and rows only where x comes as codes. Default values.
   */
  readonly stores?: readonly ProductStoredAs[];
  /** The norm between what makes x and this product: where x comes as codes, sums are multiplied by its scale. */
  readonly after?: SplitNorm;
  /** The norm between this product and the next: where codes are stored they are of its gain, beside y's values. */
  readonly before?: SplitNorm;
  /** Where rows of the cache are stored: the rotation of channels c and c + headDim/2. */
  readonly rotate?: PairwiseSpec["rotate"];
}

/** A declared matrix product. */
export interface Matmul extends Definition {
  readonly kind: "matmul";
  readonly products: ProductNames;
  readonly inputs: readonly string[];
  readonly stores: readonly ProductStoredAs[];
  readonly after: SplitNorm | null;
  readonly before: SplitNorm | null;
}

/** Declares a matrix product; a file in kernels/ops/ exports one as its default. */
export function matmul<
  const I extends readonly string[] = [],
  const P extends ProductNames = [],
>(spec: MatmulSpec<I, P>): Matmul {
  const products = spec.products ?? [];
  const inputs = spec.inputs ?? [];
  const stores: readonly ProductStoredAs[] = spec.stores ?? ["f32"];
  const f = scalar("f32");
  const fields = (names: readonly string[]) =>
    record(Object.fromEntries(names.map((name) => [name, f])));
  const { after = null, before = null } = spec;
  const hooks: Hook[] = [{
    path: "epilogue",
    run: spec.epilogue,
    args: [products.length === 0 ? f : fields(products), fields(inputs)],
    results: ["f32"],
  }];
  if (after) {
    const args = [f, f, record(paramArgs(after.params))];
    hooks.push({ path: "after.scale", run: after.scale, args, results: ["f32"] });
  }
  if (before) {
    hooks.push(
      { path: "before.gain", run: before.gain, args: [f, f], results: ["f32"] },
      { path: "before.summed", run: before.summed, args: [f], results: ["f32"] },
    );
  }
  if (spec.rotate) hooks.push(rotateHook(spec.rotate));
  return Object.freeze({
    kind: "matmul",
    name: spec.name,
    ...(spec.source === undefined ? {} : { source: spec.source }),
    products,
    inputs,
    stores,
    after,
    before,
    hooks,
  });
}
