/**
 * Row moves between a segment of whole keys and one whose rows have channels of their own: one kernel per
 * pair, either way. Keys' pages carry no positions, so none move along.
 */

import type { SetRows } from "../../dsl/set_rows.ts";
import { ARENA_UNIT, PAGE_ROWS } from "../../layout/types.ts";
import { moveSignature } from "../move_signature.ts";
import { PER_HEAD, readOnly } from "../signature_parts.ts";
import type { Family, KernelSource } from "../types.ts";
import { kernelName } from "../types.ts";
import { requestedWholeMove, wholeMoveNames } from "./whole_move.ts";

/** Rows of one item: a tile of whole ones. */
const ROWS = 16;

/** What templates/<target>/thin_rows.* and fill_rows.* read. */
export interface SetRowsContext {
  readonly page_rows: string;
  readonly arena_unit: string;
  /** Rows of one item. */
  readonly rows: string;
  /** Elements of the whole rows. */
  readonly code: "f16" | "f32";
}

/** The family of moves to and from rows that have channels of their own. */
export const setRows: Family = Object.freeze<Family>({
  kind: "set_rows",
  heads: (source) => [source.definition.name],
  variants: (source, { moves }) =>
    wholeMoveNames(moves.filter(({ to }) => to.channels === "bitmap"), wholeOf(source)),
  emit(source, request) {
    const whole = wholeOf(source);
    const { code } = requestedWholeMove(request, {
      ...{ whole, stream: "key", stored: "sets" },
      example: ["f16t16", "bitmap_mean_f16t1"],
      asks: "keys of every channel meet keys that have channels of their own",
    });
    const context: SetRowsContext = {
      page_rows: String(PAGE_ROWS),
      arena_unit: String(ARENA_UNIT),
      rows: String(ROWS),
      code,
    };
    return {
      signature: moveSignature(kernelName(request), {
        reads: [
          ...(whole === "source" ? [readOnly("scores", "f32", ...PER_HEAD, "headDim")] : []),
          readOnly("fills", "f32", ...PER_HEAD, "headDim"),
        ],
        ordered: false,
      }),
      doc: source.doc,
      from: [source.file],
      template: source.definition.name,
      context: { ...context },
      grid: [{ of: { constant: "n_kv_heads" } }, { of: { constant: "max_rows" }, per: ROWS }],
    };
  },
});

const wholeOf = ({ definition }: KernelSource) => (definition as SetRows).whole;
