/**
 * Row moves between two segments: one kernel per pair. The source stores every channel as it is; a
 * destination that stores a list gathers its channels, one that stores codes makes them. Where a stream's
 * pages begin with positions, those move along.
 */

import { KerfError } from "../../core/error.ts";
import type { Signature } from "../../core/signature.ts";
import type { MoveRows } from "../../dsl/move_rows.ts";
import { parseMoveName, segmentName } from "../../layout/name.ts";
import type { SegmentMove } from "../../layout/name.ts";
import { unitRows } from "../../layout/bytes.ts";
import { ARENA_UNIT, PAGE_ROWS } from "../../layout/types.ts";
import type { Segment } from "../../layout/types.ts";
import { PER_HEAD, readOnly, u32 } from "../signature_parts.ts";
import { checkStored, storedCode } from "../stored.ts";
import type { StoredCode } from "../stored.ts";
import type { EmitRequest, Family, KernelSource } from "../types.ts";
import { kernelName } from "../types.ts";

/** Destination rows of one item, where none share scales. */
const ROWS = 16;

/** What templates/<target>/move_rows.* and encode_rows.* read. */
export interface MoveRowsContext {
  readonly page_rows: string;
  readonly arena_unit: string;
  /** Destination rows of one item. */
  readonly rows: string;
  /** Stored elements of the source. */
  readonly code: "f16" | "f32";
  /** Rows of a tile: 1 or 16. */
  readonly source_tile: string;
  readonly destination_tile: string;
  /** Whether the destination stores the channels of a list. */
  readonly listed: boolean;
  /** Whether pages begin with their rows' positions. */
  readonly row_positions: boolean;
  /** How the destination stores elements. */
  readonly stored: StoredCode;
}

/** The family of row moves. */
export const moveRows: Family = Object.freeze<Family>({
  kind: "move_rows",
  heads: (source) => [source.definition.name],
  variants: (source, { moves }) =>
    moves.filter(([, to]) => makesCodes(source) === (to.code.kind === "affine"))
      .map((pair) => pair.map(segmentName)),
  emit(source, request) {
    const { from, to, positions, code, stored } = requestedMove(source, request);
    const rows = to.code.kind === "affine" ? Math.max(ROWS, unitRows(to)) : ROWS;
    const context: MoveRowsContext = {
      page_rows: String(PAGE_ROWS),
      arena_unit: String(ARENA_UNIT),
      rows: String(rows),
      code,
      source_tile: String(from.tile),
      destination_tile: String(to.tile),
      listed: to.channels === "list",
      row_positions: positions,
      stored,
    };
    return {
      signature: signature(kernelName(request), context.listed),
      doc: source.doc,
      from: [source.file],
      template: source.definition.name,
      context: { ...context },
      grid: [{ of: { constant: "n_kv_heads" } }, { of: { constant: "max_rows" }, per: rows }],
    };
  },
});

const makesCodes = ({ definition }: KernelSource) => (definition as MoveRows).codes;

interface RequestedMove extends SegmentMove {
  readonly code: "f16" | "f32";
  readonly stored: StoredCode;
}

/** @throws {KerfError} the names are no segments', or rows cannot move between them */
function requestedMove(source: KernelSource, request: EmitRequest): RequestedMove {
  const name = kernelName(request);
  const codes = makesCodes(source);
  const hint = `a pair such as ${request.head}__f16t16__list_${codes ? "q4r32t16" : "f16t16"}`;
  if (request.suffixes.length !== 2) {
    throw new KerfError(`Cannot emit "${name}": a move has a source and a destination`, { hint });
  }
  const move = parseMoveName(request.suffixes.join("__"));
  const { from, to } = move;
  const tileOf = (s: Segment) => s.tile === 1 ? 1 : 16;
  const code = checkStored(name, from, { tile: tileOf(from) });
  const stored = storedCode(name, to, to.tile === 1 ? "value" : "key");
  const fits = codes ? stored.kind === "affine" : stored.name === code;
  if (!fits || from.channels !== "all" || (codes && from.tile !== to.tile)) {
    const deed = codes
      ? "rows are coded from a full segment into one of the same tiles"
      : "rows move from a full segment to one of the same type";
    throw new KerfError(`Cannot emit "${name}": ${deed}`, { hint });
  }
  return { ...move, code, stored };
}

/** The outside, as ARCHITECTURE.md's table has it. */
function signature(name: string, listed: boolean): Signature {
  return {
    name,
    bindings: [
      readOnly("src_pages", "u32", "nKvHeads", "page_entries"),
      readOnly("dst_pages", "u32", ...PER_HEAD, "page_entries"),
      ...(listed ? [readOnly("channels", "u32", ...PER_HEAD, "headDim")] : []),
      readOnly("moves", "u32", "nLayers", "nKvHeads", "4"),
      { name: "arena", dtype: "u8", access: "readwrite", shape: ["arenaBytes"] },
    ],
    constants: [
      u32("slot"),
      u32("layer"),
      u32("n_layers"),
      u32("n_kv_heads"),
      u32("page_entries", "entries of a head in both page tables"),
      u32("src_page", "the source segment's first page entry"),
      u32("dst_page", "the destination segment's first page entry"),
      u32("max_rows", "rows of the longest move"),
    ],
    defines: ["HEAD_DIM"],
  };
}
