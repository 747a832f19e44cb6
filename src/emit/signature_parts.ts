/** Parts that the signatures of kernels are written with. */

import type { Binding, Constant } from "../core/signature.ts";
import { hasChannelClasses } from "../layout/bytes.ts";
import type { Layout } from "../layout/types.ts";

/** A buffer that the kernel only reads. */
export const readOnly = (
  name: string,
  dtype: Binding["dtype"],
  ...shape: readonly string[]
): Binding => ({ name, dtype, access: "read", shape });

/** A buffer of which the kernel writes what it makes. */
export const written = (
  name: string,
  dtype: Binding["dtype"],
  ...shape: readonly string[]
): Binding => ({ name, dtype, access: "write", shape });

/** A buffer that the kernel changes in place. */
export const updated = (
  name: string,
  dtype: Binding["dtype"],
  ...shape: readonly string[]
): Binding => ({ name, dtype, access: "readwrite", shape });

/** The header of the step. */
export const STEP: Binding = readOnly("step", "u32", "stepFields");

/** A whole number of the invocation. */
export const u32 = (name: string, doc?: string): Constant =>
  doc === undefined ? { name, dtype: "u32" } : { name, dtype: "u32", doc };

/** A number of the invocation. */
export const f32 = (name: string, doc: string): Constant => ({ name, dtype: "f32", doc });

/** What counts a step's rows. */
export const ROWS_FIELD: Constant = u32("rows_field", "the field of `step` that counts the rows");

/** How far rows of a buffer lie apart. */
export const stride = (of: string): Constant =>
  u32(`${of}_stride`, `elements between rows of ${of}`);

/** Of what logits are multiples. */
export const SCALE: Constant = f32("scale", "1 / √headDim");

/** Where `fills` has what values read as of which nothing is stored, f32 [nSlots, nLayers, nKvHeads, headDim]. */
export const VALUE_FILLS: Constant = u32(
  "value_fills",
  "first element of what values read as, in fills",
);

/** The dimensions of what every KV head of a slot has. */
export const PER_HEAD = ["nSlots", "nLayers", "nKvHeads"] as const;

/** Of a list of channels of keys, and of what these read as: coded ones in classes have one for each segment. */
export const listShape = ({ key }: Pick<Layout, "key">): readonly string[] =>
  key.segments.some(hasChannelClasses)
    ? [...PER_HEAD, "nKeyLists", "headDim"]
    : [...PER_HEAD, "headDim"];

/** A head's fields of `heads`: rows and width of each segment. */
export const headFields = ({ key, value }: Layout): string =>
  String(2 * (key.segments.length + value.segments.length));
