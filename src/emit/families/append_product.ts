/**
 * Products that append what they make: a row's q, k and v, of which an item makes sixteen channels of a head and
 * those that turn with them, so that the rotation and the cache's rows need no pass of their own. What a layout has
 * beside its last segments is told at run time; keys and values in another basis need whole heads and have `append`.
 */

import { KerfError } from "../../core/error.ts";
import type { Binding, Constant } from "../../core/signature.ts";
import { parseLayoutName } from "../../layout/name.ts";
import { ARENA_UNIT, isTurned, PAGE_ROWS } from "../../layout/types.ts";
import { PER_HEAD, readOnly, u32, updated } from "../signature_parts.ts";
import type { EmitTarget } from "../target.ts";
import type { EmitRequest, KernelSource } from "../types.ts";
import { kernelName } from "../types.ts";
import { appendedStream } from "./append.ts";
import type { AppendStreamContext } from "./append.ts";
import { rotationContext } from "./rotation.ts";
import type { RotationContext } from "./rotation.ts";

/** What templates/<target>/matmul_append.* read beside what products do. */
export interface AppendProductContext extends RotationContext {
  readonly page_rows: string;
  readonly arena_unit: string;
  readonly streams: readonly Pick<AppendStreamContext, "name" | "code" | "tile">[];
}

/**
 * The context of a request whose suffixes end in a layout of one segment a stream.
 *
 * @throws {KerfError} they name another layout
 */
export function appendProductContext(
  source: KernelSource,
  { request, target }: { readonly request: EmitRequest; readonly target: EmitTarget },
): AppendProductContext {
  const name = kernelName(request);
  const layout = parseLayoutName(request.suffixes.slice(1).join("__"));
  const { key, value } = layout;
  const isPlain = key.segments.length === 1 && value.segments.length === 1 && !isTurned(key) &&
    !isTurned(value) && layout.positions === "true" && !layout.rowPositions;
  if (!isPlain) {
    throw new KerfError(`Cannot emit "${name}": a product appends to one segment of each stream`, {
      hint: "a layout such as k_f16t16_v_f16t1",
    });
  }
  return {
    page_rows: String(PAGE_ROWS),
    arena_unit: String(ARENA_UNIT),
    streams: [
      appendedStream(name, { name: "key", segment: key.segments[0]!, index: 0 }),
      appendedStream(name, { name: "value", segment: value.segments[0]!, index: 1 }),
    ],
    ...rotationContext(source, target),
  };
}

/** What such a product binds beside what products do. */
export const APPENDED_BINDINGS: readonly Binding[] = [
  readOnly("rope", "f32", "nCtx", "headDim"),
  readOnly("row_position", "u32", "nRows"),
  readOnly("row_seq", "u32", "nRows"),
  readOnly("seqs", "u32", "nSeqs", "4"),
  readOnly("pages", "u32", ...PER_HEAD, "page_entries"),
  readOnly("heads", "u32", ...PER_HEAD, "head_fields"),
  updated("arena", "u8", "arenaBytes"),
  updated("q_ring", "f32", "nSlots", "nLayers", "nHeads", "window", "headDim"),
];

/** Its further constants. */
export const APPENDED_CONSTANTS: readonly Constant[] = [
  u32("layer"),
  u32("n_layers"),
  u32("n_heads"),
  u32("n_kv_heads"),
  u32("page_entries", "entries of a head in pages"),
  u32("key_page", "first page entry of the last segment of keys"),
  u32("value_page", "first page entry of the last segment of values"),
  u32("head_fields", "fields of a head in heads"),
  u32("key_field", "that of the rows of the last segment of keys"),
  u32("value_field", "that of the rows of the last segment of values"),
  u32("value_start", "bytes of a page of values before its rows; not 0: it begins with positions"),
  u32("window", "places of the ring; 0: there is none"),
  u32("second_window", "places of a second ring in q_ring; 0: there is none"),
  u32("second_ring", "its first element"),
];
