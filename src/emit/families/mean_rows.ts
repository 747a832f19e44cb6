/**
 * Row moves between a segment of whole values and one of which nothing is stored: one kernel per pair, either
 * way. What its rows read as lies beside the cache.
 */

import type { MeanRows } from "../../dsl/mean_rows.ts";
import { ARENA_UNIT, PAGE_ROWS } from "../../layout/types.ts";
import { moveSignature } from "../move_signature.ts";
import { PER_HEAD, readOnly, VALUE_FILLS, written } from "../signature_parts.ts";
import type { Family, KernelSource } from "../types.ts";
import { kernelName } from "../types.ts";
import { requestedWholeMove, wholeMoveNames } from "./whole_move.ts";

/** Rows of one item, where rows become whole. */
const ROWS = 16;

/** Sums of a channel that are taken side by side: every so many rows, on every target the same ones. */
const SLICES = 8;

/** What templates/<target>/average_rows.* and repeat_means.* read. */
export interface MeanRowsContext {
  readonly page_rows: string;
  readonly arena_unit: string;
  /** Rows of one item. */
  readonly rows: string;
  readonly slices: string;
  /** Elements of the whole rows. */
  readonly code: "f16" | "f32";
  /** Whether pages begin with their rows' positions, and whether running sums stand behind these. */
  readonly row_positions: boolean;
  readonly row_sums: boolean;
}

/** The family of moves to and from rows of which nothing is stored. */
export const meanRows: Family = Object.freeze<Family>({
  kind: "mean_rows",
  heads: (source) => [source.definition.name],
  variants: (source, { orderedMoves }) =>
    wholeMoveNames(orderedMoves.filter(({ to }) => to.channels === "none"), wholeOf(source)),
  emit(source, request) {
    const whole = wholeOf(source);
    const averages = whole === "source";
    const { code, sides } = requestedWholeMove(request, {
      ...{ whole, stream: "value", stored: "none" },
      example: ["f16t1", "none_mean_f16t1"],
      asks: "values of every channel meet rows of which nothing is stored",
    });
    const context: MeanRowsContext = {
      page_rows: String(PAGE_ROWS),
      arena_unit: String(ARENA_UNIT),
      rows: String(ROWS),
      slices: String(SLICES),
      code,
      row_positions: sides.positions,
      row_sums: sides.sums,
    };
    const fills = (averages ? written : readOnly)("fills", "f32", ...PER_HEAD, "headDim");
    const outside = moveSignature(kernelName(request), {
      reads: [fills],
      ordered: averages,
    });
    return {
      signature: { ...outside, constants: [...outside.constants, VALUE_FILLS] },
      doc: source.doc,
      from: [source.file],
      template: source.definition.name,
      context: { ...context },
      grid: [
        { of: { constant: "n_kv_heads" } },
        ...(averages ? [] : [{ of: { constant: "max_rows" }, per: ROWS }]),
      ],
    };
  },
});

const wholeOf = ({ definition }: KernelSource) => (definition as MeanRows).whole;
