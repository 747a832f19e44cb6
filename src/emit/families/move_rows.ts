/**
 * Row moves between two segments: one kernel per pair. The source stores every channel; a destination
 * that stores a list gathers its channels.
 */

import { KerfError } from "../../core/error.ts";
import type { Signature } from "../../core/signature.ts";
import { parseSegmentName, segmentName } from "../../layout/name.ts";
import { ARENA_UNIT, PAGE_ROWS } from "../../layout/types.ts";
import type { Segment } from "../../layout/types.ts";
import { PER_HEAD, readOnly, u32 } from "../signature_parts.ts";
import { checkStored } from "../stored.ts";
import type { EmitRequest, Family } from "../types.ts";
import { kernelName } from "../types.ts";

/** Destination rows of one item. */
const ROWS = 16;

/** What templates/<target>/move_rows.* read. */
export interface MoveRowsContext {
  readonly page_rows: string;
  readonly arena_unit: string;
  /** Destination rows of one item. */
  readonly rows: string;
  /** Stored elements of both segments. */
  readonly code: "f16" | "f32";
  /** Rows of a tile: 1 or 16. */
  readonly source_tile: string;
  readonly destination_tile: string;
  /** Whether the destination stores the channels of a list. */
  readonly listed: boolean;
}

/** The family of row moves. */
export const moveRows: Family = Object.freeze<Family>({
  kind: "move_rows",
  heads: (source) => [source.definition.name],
  variants: (_, { moves }) => moves.map((pair) => pair.map(segmentName)),
  emit(source, request) {
    const { code, from, to } = requestedMove(request);
    const context: MoveRowsContext = {
      page_rows: String(PAGE_ROWS),
      arena_unit: String(ARENA_UNIT),
      rows: String(ROWS),
      code,
      source_tile: String(from.tile),
      destination_tile: String(to.tile),
      listed: to.channels === "list",
    };
    return {
      signature: signature(kernelName(request), context.listed),
      doc: source.doc,
      from: [source.file],
      template: "move_rows",
      context: { ...context },
      grid: [{ of: { constant: "n_kv_heads" } }, { of: { constant: "max_rows" }, per: ROWS }],
    };
  },
});

/** @throws {KerfError} the names are no segments', or rows cannot move between them */
function requestedMove(request: EmitRequest) {
  const name = kernelName(request);
  const [from, to] = request.suffixes.map(parseSegmentName);
  const hint = `a pair such as ${request.head}__f16t16__list_f16t16`;
  if (from === undefined || to === undefined || request.suffixes.length !== 2) {
    throw new KerfError(`Cannot emit "${name}": a move has a source and a destination`, { hint });
  }
  const stored = (s: Segment) => checkStored(name, s, { tile: s.tile === 1 ? 1 : 16 });
  const code = stored(from);
  if (code !== stored(to) || from.channels !== "all") {
    throw new KerfError(
      `Cannot emit "${name}": rows move from a full segment to one of the same type`,
      { hint },
    );
  }
  return { code, from, to };
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
