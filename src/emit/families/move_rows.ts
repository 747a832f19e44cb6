/**
 * Row moves between two segments: one kernel per pair. One of them stores every channel as it is; the other,
 * be it source or destination, may store the channels of a list, or codes. What rows carry at the head of their
 * pages moves along.
 */

import { KerfError } from "../../core/error.ts";
import type { MoveRows } from "../../dsl/move_rows.ts";
import { becomesWhole } from "../../layout/becomes_whole.ts";
import { moveName } from "../../layout/name.ts";
import type { SegmentMove } from "../../layout/name.ts";
import { unitRows } from "../../layout/bytes.ts";
import { ARENA_UNIT, PAGE_ROWS } from "../../layout/types.ts";
import type { Segment } from "../../layout/types.ts";
import { moveSignature } from "../move_signature.ts";
import { listShape, readOnly } from "../signature_parts.ts";
import { checkStored, codingOf, isCode, storedCode } from "../stored.ts";
import type { StoredCode } from "../stored.ts";
import type { EmitRequest, Family, KernelSource } from "../types.ts";
import { kernelName } from "../types.ts";
import { requestedSegments } from "./whole_move.ts";

/** Rows of one item, where none share scales. */
const ROWS = 16;

/** What templates/<target>/move_rows.*, encode_rows.* and decode_rows.* read. */
export interface MoveRowsContext {
  readonly page_rows: string;
  readonly arena_unit: string;
  /** Rows of one item. */
  readonly rows: string;
  /** Elements of the segment that is not coded. */
  readonly code: "f16" | "f32";
  /** Rows of a tile: 1 or 16. */
  readonly source_tile: string;
  readonly destination_tile: string;
  /** Whether the compressed segment stores the channels of a list. */
  readonly listed: boolean;
  /** Whether channels of the source that are not stored read as their means. */
  readonly fills: boolean;
  /** Whether the source is the compressed segment, whose rows become whole ones. */
  readonly expands: boolean;
  /** Whether pages begin with their rows' positions, and whether running sums stand behind these. */
  readonly row_positions: boolean;
  readonly row_sums: boolean;
  /** Whether a list says where each row comes from. */
  readonly ordered: boolean;
  /** How the compressed segment stores elements. */
  readonly stored: StoredCode;
  /** Of encode_<coding>.* and decode_<coding>.*: the part that knows the order of its codes. */
  readonly coding: string;
}

/** The family of row moves. */
export const moveRows: Family = Object.freeze<Family>({
  kind: "move_rows",
  heads: (source) => [source.definition.name],
  variants: (source, { moves, orderedMoves }) => {
    const codes = codesOf(source);
    const fits = ({ code, channels }: Segment) =>
      channels !== "bitmap" && (code.kind === "affine") === (codes !== null);
    // Rows that were coded in an order of their own become whole ones in that order.
    const pairs = codes === "source" ? [...moves, ...orderedMoves] : moves;
    const isWhole = ({ channels }: Segment) => channels === "all" || !isOrdered(source);
    const own = (isOrdered(source) && codes !== null ? orderedMoves : pairs)
      .filter(({ to }) => fits(to) && (codes !== null || isWhole(to)));
    const back = codes === "destination"
      ? []
      : own.filter(({ stream, to }) => becomesWhole(stream, to));
    const all = [
      ...(codes === "source" ? [] : own),
      ...back.map((move) => ({ ...move, from: move.to, to: move.from })),
    ];
    return [...new Set(all.map(moveName))].map((name) => name.split("__"));
  },
  emit(source, request) {
    const move = requestedMove(request, codesOf(source));
    const { from, to, sides, compressed, code, stored } = move;
    const rows = stored.kind === "plain" ? ROWS : Math.max(ROWS, unitRows(compressed));
    const list = listShape({ key: { segments: [compressed] } });
    const context: MoveRowsContext = {
      page_rows: String(PAGE_ROWS),
      arena_unit: String(ARENA_UNIT),
      rows: String(rows),
      code,
      source_tile: String(from.tile),
      destination_tile: String(to.tile),
      listed: compressed.channels === "list",
      fills: compressed === from && from.fill === "mean",
      expands: compressed === from,
      row_positions: sides.positions,
      row_sums: sides.sums,
      ordered: isOrdered(source),
      stored,
      coding: codingOf(stored),
    };
    return {
      signature: moveSignature(kernelName(request), {
        reads: [
          ...(context.listed ? [readOnly("channels", "u32", ...list)] : []),
          ...(context.fills ? [readOnly("fills", "f32", ...list)] : []),
        ],
        ordered: context.ordered,
        inClasses: stored.kind === "classes",
      }),
      doc: source.doc,
      from: [source.file],
      template: isOrdered(source)
        ? `${codesOf(source) === null ? "move" : "encode"}_rows`
        : source.definition.name,
      context: { ...context },
      grid: [{ of: { constant: "n_kv_heads" } }, { of: { constant: "max_rows" }, per: rows }],
    };
  },
});

const isOrdered = ({ definition }: KernelSource) => (definition as MoveRows).ordered;
const codesOf = ({ definition }: KernelSource) => (definition as MoveRows).codes;

interface RequestedMove extends SegmentMove {
  /** The segment that may store a list or codes; the other one is full. */
  readonly compressed: Segment;
  readonly code: "f16" | "f32";
  readonly stored: StoredCode;
}

/** What each kind of move asks of its segments. */
const DEED = {
  destination: "rows are coded from a full segment into one of the same tiles",
  source: "coded rows become those of a full segment of the same tiles",
  none: "rows move between a full segment and one of the same type",
} as const;

/** @throws {KerfError} the names are no segments', or rows cannot move between them */
export function requestedMove(request: EmitRequest, codes: MoveRows["codes"]): RequestedMove {
  const name = kernelName(request);
  const pair = [`f16t16`, `list_${codes === null ? "f16t16" : "q4r32t16"}`];
  const example = codes === "source" ? pair.toReversed() : pair;
  const hint = `a pair such as ${request.head}__${example.join("__")}`;
  const move = requestedSegments(request, hint);
  const { from, to } = move;
  const expands = codes === "source" || (codes === null && from.channels === "list");
  const [full, compressed] = expands ? [to, from] : [from, to];
  const tileOf = (s: Segment) => s.tile === 1 ? 1 : 16;
  const code = checkStored(name, full, { tile: tileOf(full) });
  const stored = storedCode(name, compressed, compressed.tile === 1 ? "value" : "key");
  const fits = {
    none: stored.name === code,
    source: isCode(stored),
    destination: stored.kind !== "plain",
  }[codes ?? "none"];
  if (!fits || full.channels !== "all" || (codes !== null && from.tile !== to.tile)) {
    throw new KerfError(`Cannot emit "${name}": ${DEED[codes ?? "none"]}`, { hint });
  }
  return { ...move, compressed, code, stored };
}
