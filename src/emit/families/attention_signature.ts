/** The outside of an attention kernel: its buffers and constants in the order of ARCHITECTURE.md's table. */

import type { Binding, Signature } from "../../core/signature.ts";
import type { Attention } from "../../dsl/attention.ts";
import type { Layout } from "../../layout/types.ts";
import { snakeCase } from "../names.ts";
import { paramConstants } from "../params.ts";
import {
  headFields,
  listShape,
  PER_HEAD,
  readOnly,
  SCALE,
  STEP,
  stride,
  u32,
  updated,
  VALUE_FILLS,
  written,
} from "../signature_parts.ts";
import type { EmitRequest } from "../types.ts";
import { kernelName } from "../types.ts";
import { mayStoreCodes } from "./attention_kind.ts";
import type { AttentionKind, Entry } from "./attention_kind.ts";
import { pageConstants } from "./layout_kernel.ts";

/** The rows of a step that an entry takes. */
const ROWS: Readonly<Record<Entry, readonly Binding[]>> = {
  prefill: [readOnly("tiles", "u32", "nTiles", "4")],
  decode: [readOnly("decode_rows", "u32", "nDecode"), readOnly("row_seq", "u32", "nRows")],
  sums: [],
};

/** What an entry writes. */
const OUTPUTS: Readonly<Record<Entry, Binding>> = {
  prefill: written("out", "f32", "nRows", "out_stride"),
  decode: written("partials", "f32", "nDecode", "nHeads", "nSplits", "headDim + 16"),
  sums: updated("arena", "u8", "arenaBytes"),
};

/** A kernel's signature. */
export function attentionSignature(
  request: EmitRequest,
  definition: Attention,
  { layout, ...kind }: AttentionKind & { readonly layout: Layout },
): Signature {
  const { entry, records } = kind;
  const prefill = entry === "prefill";
  const mayBeCodes = mayStoreCodes(kind);
  const [listed, listsValues] = [layout.key, layout.value].map(({ segments }) =>
    segments.some(({ channels }) => channels === "list")
  );
  // Nobody reads values for sums.
  const readsMeans = entry !== "sums" &&
    layout.value.segments.some(({ channels }) => channels === "none");
  const filled = readsMeans || layout.key.segments.some((segment) => segment.fill === "mean");
  const output = OUTPUTS[entry];
  const softmax = ["nRows", "nHeads", "2"];
  return {
    name: kernelName(request),
    bindings: [
      readOnly("qkv", "f32", "nRows", "qkv_stride"),
      ...ROWS[entry],
      readOnly("seqs", "u32", "nSeqs", "4"),
      readOnly("pages", "u32", ...PER_HEAD, "page_entries"),
      readOnly("heads", "u32", ...PER_HEAD, headFields(layout)),
      ...(listed ? [readOnly("channels", "u32", ...listShape(layout))] : []),
      ...(listsValues && entry !== "sums"
        ? [readOnly("value_channels", "u32", ...PER_HEAD, "headDim")]
        : []),
      ...(filled ? [readOnly("fills", "f32", ...listShape(layout))] : []),
      ...(entry === "sums" ? [] : [readOnly("arena", "u8", "arenaBytes")]),
      ...Object.entries(definition.tables).map(([name, t]) =>
        readOnly(snakeCase(name), t.dtype, ...t.shape)
      ),
      ...(entry === "sums" ? [readOnly("row_softmax", "f32", ...softmax)] : []),
      mayBeCodes ? { ...output, dtype: "u8", shape: ["nRows", "4 * out_stride"] } : output,
      ...(records ? [{ ...output, name: "row_softmax", shape: softmax }] : []),
      STEP,
    ],
    constants: [
      u32("layer"),
      u32("n_layers"),
      u32("n_heads"),
      u32("n_kv_heads"),
      stride("qkv"),
      ...(prefill ? [stride("out")] : []),
      ...(mayBeCodes ? [u32("stores_codes", "1: rows of out are 8-bit codes; 0: f32")] : []),
      u32("page_entries", "entries of a head in pages"),
      ...(entry === "sums" ? [u32("n_ctx", "rows that a head may have")] : []),
      ...pageConstants(layout),
      ...(readsMeans ? [VALUE_FILLS] : []),
      SCALE,
      ...paramConstants(definition.params),
    ],
    defines: ["HEAD_DIM", "GROUP"],
  };
}
