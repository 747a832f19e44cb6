/**
 * The cache append with the author's rotation: one kernel per layout, and a second one per layout that also
 * keeps the last rotated queries in rings, for plans whose scores read them.
 */

import { KerfError } from "../../core/error.ts";
import type { Signature } from "../../core/signature.ts";
import type { Append } from "../../dsl/append.ts";
import { layoutName, parseLayoutName } from "../../layout/name.ts";
import { ARENA_UNIT, isTurned, PAGE_ROWS } from "../../layout/types.ts";
import type { Layout, Segment } from "../../layout/types.ts";
import { headFields, PER_HEAD, readOnly, STEP, stride, u32, updated } from "../signature_parts.ts";
import { checkStored } from "../stored.ts";
import type { Family } from "../types.ts";
import { kernelName } from "../types.ts";
import { rotationContext } from "./rotation.ts";
import type { RotationContext } from "./rotation.ts";

/** One stream's last segment, to which rows are appended. */
export interface AppendStreamContext {
  readonly name: "key" | "value";
  readonly code: "f16" | "f32";
  /** Rows of a tile: 1 or 16. */
  readonly tile: string;
  /** Where its row count stands among a head's fields of `heads`. */
  readonly rows_field: string;
}

/** What templates/<target>/append.* read. */
export interface AppendContext extends RotationContext {
  readonly page_rows: string;
  readonly arena_unit: string;
  readonly head_fields: string;
  readonly streams: readonly AppendStreamContext[];
  /** Whether keys, and queries with them, are stored in the Hadamard basis, and whether values are. */
  readonly turns_keys: boolean;
  readonly turns_values: boolean;
  /** Whether pages of values begin with their rows' positions. */
  readonly row_positions: boolean;
  /** Whether running sums stand behind these. */
  readonly row_sums: boolean;
  /** Whether keys, and queries, are rotated by their place in the cache. */
  readonly cached: boolean;
  /** Where the row counts of all segments of keys stand among a head's fields of `heads`. */
  readonly place_fields: readonly string[];
  /** Whether the last rotated queries go to `q_ring`. */
  readonly records: boolean;
  /** Channel 2i pairs with 2i + 1; otherwise c with c + HEAD_DIM / 2. */
  readonly interleaved: boolean;
}

const recordingHead = (name: string): string => `${name}_recording`;

/** The family of cache appends. */
export const append: Family = Object.freeze<Family>({
  kind: "append",
  heads: ({ definition: { name } }) => [name, recordingHead(name)],
  // The first layout is the dense one, which no score reads.
  variants: ({ definition: { name } }, { layouts }, head) =>
    layouts.slice(head === name ? 0 : 1).map((layout) => [layoutName(layout)]),
  emit(source, request, target) {
    const definition = source.definition as Append;
    const name = kernelName(request);
    const records = request.head === recordingHead(definition.name);
    const layout = parseLayoutName(request.suffixes.join("__"));
    const nKey = layout.key.segments.length;
    const cached = layout.positions === "cache";
    if (cached && layout.key.segments.some(({ channels }) => channels !== "all")) {
      throw new KerfError(
        `Cannot emit "${name}": keys that stand at their place in the cache have every channel`,
        { hint: "a layout without _cached, or with every channel of keys" },
      );
    }
    const nSegments = nKey + layout.value.segments.length;
    const context: AppendContext = {
      page_rows: String(PAGE_ROWS),
      arena_unit: String(ARENA_UNIT),
      head_fields: headFields(layout),
      streams: [
        appendedStream(name, {
          ...{ name: "key", segment: layout.key.segments.at(-1)!, index: nKey - 1 },
        }),
        appendedStream(name, {
          ...{ name: "value", segment: layout.value.segments.at(-1)!, index: nSegments - 1 },
        }),
      ],
      turns_keys: isTurned(layout.key),
      turns_values: isTurned(layout.value),
      row_positions: layout.rowPositions,
      row_sums: layout.rowSums,
      cached,
      place_fields: layout.key.segments.map((_, i) => String(2 * i)),
      records,
      interleaved: definition.pairing === "interleaved",
      ...rotationContext(source, target),
    };
    return {
      signature: signature(name, layout, records),
      doc: records ? [...source.doc, ...RECORDING_DOC] : source.doc,
      from: [source.file],
      template: "append",
      context: { ...context },
      grid: [{ of: { constant: "n_kv_heads" } }, { of: { step: "nRows" } }],
    };
  },
});

/**
 * A stream as a kernel appends to it.
 *
 * @param index of its last segment among all of a head's
 * @throws {KerfError} no kernel appends to such a segment
 */
export function appendedStream(
  kernel: string,
  { name, segment, index }: {
    readonly name: "key" | "value";
    readonly segment: Segment;
    readonly index: number;
  },
): AppendStreamContext {
  const tile = segment.tile === 1 ? 1 : 16;
  const code = checkStored(kernel, segment, { tile });
  return { name, code, tile: String(tile), rows_field: String(2 * index) };
}

const RECORDING_DOC = [
  "Keeps the last `window` rotated queries of every sequence in a ring: row p of the sequence goes to",
  "place p mod window, so that scores at the end of prefill do not depend on how it was chunked.",
];

/** The outside, as ARCHITECTURE.md's table has it. */
function signature(name: string, layout: Layout, records: boolean): Signature {
  const ring = ["nSlots", "nLayers", "nHeads", "window", "headDim"];
  return {
    name,
    bindings: [
      updated("qkv", "f32", "nRows", "qkv_stride"),
      readOnly("rope", "f32", "nCtx", "headDim"),
      readOnly("row_position", "u32", "nRows"),
      readOnly("row_seq", "u32", "nRows"),
      readOnly("seqs", "u32", "nSeqs", "4"),
      readOnly("pages", "u32", ...PER_HEAD, "page_entries"),
      readOnly("heads", "u32", ...PER_HEAD, headFields(layout)),
      updated("arena", "u8", "arenaBytes"),
      ...(records ? [updated("q_ring", "f32", ...ring)] : []),
      STEP,
    ],
    constants: [
      u32("layer"),
      u32("n_layers"),
      u32("n_heads"),
      u32("n_kv_heads"),
      stride("qkv"),
      u32("page_entries", "entries of a head in pages"),
      u32("key_page", "first page entry of the last segment of keys"),
      u32("value_page", "first page entry of the last segment of values"),
      ...(records
        ? [
          u32("window", "places of the ring"),
          u32("second_window", "places of a second ring in q_ring; 0: there is none"),
          u32("second_ring", "its first element"),
        ]
        : []),
    ],
    defines: ["HEAD_DIM"],
  };
}
