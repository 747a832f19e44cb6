/**
 * The outside of a matrix product: its buffers and constants in the order of ARCHITECTURE.md's table, by what its
 * name says it takes and stores. How it is made is in matmul.ts.
 */

import { PACK_ROWS } from "../../core/packing.ts";
import type { Binding, Constant, Signature } from "../../core/signature.ts";
import type { Matmul } from "../../dsl/matmul.ts";
import { blockSums } from "../block_sums.ts";
import { APPENDED_BINDINGS, APPENDED_CONSTANTS } from "./append_product.ts";
import type { ProductKind } from "./product_kind.ts";

/**
 * A product's signature.
 *
 * @param params of the norm whose scales are made here
 */
export function matmulSignature(
  name: string,
  { products, inputs, after, before }: Matmul,
  { isQ8, storesCodes, storesLargest, appends, params }: ProductKind & {
    readonly params: readonly Constant[];
  },
): Signature {
  const input = (of: string): Binding => ({
    name: of,
    dtype: "f32",
    access: "read",
    shape: ["nRows", `${of}_stride`],
  });
  const stride = (of: string): Constant => ({
    name: `${of}_stride`,
    dtype: "u32",
    doc: `elements between rows of ${of}`,
  });
  const offset = (of: string): Constant => ({
    name: `${of}_offset`,
    dtype: "u32",
    doc: `elements before the first output's of ${of}`,
  });
  const values: Binding = {
    name: "y",
    dtype: "f32",
    access: "write",
    shape: ["nRows", "y_stride"],
  };
  const codes = (of: string): Binding => ({
    name: of,
    dtype: "u8",
    access: "write",
    shape: ["nRows", "q8RowBytes(y_stride)"],
  });
  const ofGroups = (of: string, dtype: "f32" | "u32"): Binding => ({
    name: of,
    dtype,
    access: "write",
    shape: ["nRows", "groups_stride"],
  });
  const packed = products.length > 0 ? "2 * packedBytes(nOut, nIn)" : "packedBytes(nOut, nIn)";
  return {
    name,
    bindings: [
      isQ8
        ? { name: "x", dtype: "u8", access: "read", shape: ["nRows", "q8RowBytes(x_stride)"] }
        : input("x"),
      { name: "weight", dtype: "u8", access: "read", shape: [packed] },
      ...(isQ8 && after ? [blockSums("x_sums", { access: "read", stride: "n_in" })] : []),
      ...inputs.map(input),
      ...(storesCodes && before
        ? [
          { name: "gain", dtype: "f32", access: "read", shape: ["y_stride"] } as const,
          values,
          codes("y_codes"),
          blockSums("y_sums", { access: "write", stride: "y_stride" }),
        ]
        : storesLargest
        ? [ofGroups("largest", "f32"), ofGroups("places", "u32")]
        : [storesCodes ? codes("y") : values]),
      ...(appends ? APPENDED_BINDINGS : []),
      { name: "step", dtype: "u32", access: "read", shape: ["stepFields"] },
    ],
    constants: [
      { name: "rows_field", dtype: "u32", doc: "the field of `step` that counts the rows" },
      { name: "n_in", dtype: "u32", doc: "a multiple of the packed group" },
      { name: "n_out", dtype: "u32", ...(storesCodes ? { doc: "a multiple of 32" } : {}) },
      stride("x"),
      ...(storesLargest
        ? [
          {
            name: "groups_stride",
            dtype: "u32",
            doc: `groups of ${PACK_ROWS} outputs between rows of largest and places`,
          } as const,
          {
            name: "y_offset",
            dtype: "u32",
            doc: `place of the first output, a multiple of ${PACK_ROWS}`,
          } as const,
        ]
        : [stride("y"), offset("y")]),
      ...inputs.flatMap((of) => [stride(of), offset(of)]),
      ...params,
      ...(appends ? APPENDED_CONSTANTS : []),
    ],
    defines: appends ? ["HEAD_DIM"] : [],
  };
}
