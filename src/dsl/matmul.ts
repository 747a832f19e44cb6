/**
 * Matrix products y = x · Wᵀ with an epilogue: what becomes of each output element before it is stored.
 * The template owns tiles, packed weights and the order of the sum.
 */

import { record, scalar } from "./types.ts";
import type { Definition, f32 } from "./types.ts";

/** What an author writes. */
export interface MatmulSpec<I extends readonly string[]> {
  readonly name: string;
  /** Further f32 [nRows, nOut] operands of the epilogue, such as a residual. */
  readonly inputs?: I;
  readonly epilogue: (y: f32, inputs: { readonly [K in I[number]]: f32 }) => f32;
}

/** A declared matrix product. */
export interface Matmul extends Definition {
  readonly kind: "matmul";
  readonly inputs: readonly string[];
}

/** Declares a matrix product; a file in kernels/ops/ exports one as its default. */
export function matmul<const I extends readonly string[] = []>(spec: MatmulSpec<I>): Matmul {
  const inputs = spec.inputs ?? [];
  const f = scalar("f32");
  return Object.freeze({
    kind: "matmul",
    name: spec.name,
    inputs,
    hooks: [{
      path: "epilogue",
      run: spec.epilogue,
      args: [f, record(Object.fromEntries(inputs.map((name) => [name, f])))],
      results: ["f32"] as const,
    }],
  });
}
