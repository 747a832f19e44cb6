/**
 * The outside of a matrix product: its buffers and constants in the order of ARCHITECTURE.md's table, by what its
 * name says it takes and stores. How it is made is in matmul.ts.
 */

import { readOnly, ROWS_FIELD, STEP, stride, u32, written } from "../signature_parts.ts";
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
  const input = (of: string) => readOnly(of, "f32", "nRows", `${of}_stride`);
  const offset = (of: string) => u32(`${of}_offset`, `elements before the first output's of ${of}`);
  const values = written("y", "f32", "nRows", "y_stride");
  const codes = (of: string) => written(of, "u8", "nRows", "q8RowBytes(y_stride)");
  const ofGroups = (of: string, dtype: Binding["dtype"]) =>
    written(of, dtype, "nRows", "groups_stride");
  const packed = products.length > 0 ? "2 * packedBytes(nOut, nIn)" : "packedBytes(nOut, nIn)";
  return {
    name,
    bindings: [
      isQ8 ? readOnly("x", "u8", "nRows", "q8RowBytes(x_stride)") : input("x"),
      readOnly("weight", "u8", packed),
      ...(isQ8 && after ? [blockSums("x_sums", { access: "read", stride: "n_in" })] : []),
      ...inputs.map(input),
      ...(storesCodes && before
        ? [
          readOnly("gain", "f32", "y_stride"),
          values,
          codes("y_codes"),
          blockSums("y_sums", { access: "write", stride: "y_stride" }),
        ]
        : storesLargest
        ? [ofGroups("largest", "f32"), ofGroups("places", "u32")]
        : [storesCodes ? codes("y") : values]),
      ...(appends ? APPENDED_BINDINGS : []),
      STEP,
    ],
    constants: [
      ROWS_FIELD,
      u32("n_in", "a multiple of the packed group"),
      u32("n_out", storesCodes ? "a multiple of 32" : undefined),
      stride("x"),
      ...(storesLargest
        ? [
          u32("groups_stride", `groups of ${PACK_ROWS} outputs between rows of largest and places`),
          u32("y_offset", `place of the first output, a multiple of ${PACK_ROWS}`),
        ]
        : [stride("y"), offset("y")]),
      ...inputs.flatMap((of) => [stride(of), offset(of)]),
      ...params,
      ...(appends ? APPENDED_CONSTANTS : []),
    ],
    defines: appends ? ["HEAD_DIM"] : [],
  };
}
