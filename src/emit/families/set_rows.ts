/**
 * Row moves between a segment of whole keys and one whose rows have channels of their own: one kernel per
 * pair, either way. Keys' pages carry no positions, so none move along.
 */

import { KerfError } from "../../core/error.ts";
import type { SetRows } from "../../dsl/set_rows.ts";
import { moveName, parseMoveName } from "../../layout/name.ts";
import { ARENA_UNIT, PAGE_ROWS } from "../../layout/types.ts";
import { moveSignature } from "../move_signature.ts";
import { PER_HEAD, readOnly } from "../signature_parts.ts";
import { checkStored, storedCode } from "../stored.ts";
import type { EmitRequest, Family, KernelSource } from "../types.ts";
import { kernelName } from "../types.ts";

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
    moves.filter(({ to }) => to.channels === "bitmap")
      .map((move) =>
        wholeOf(source) === "source" ? move : { ...move, from: move.to, to: move.from }
      )
      .map((move) => moveName(move).split("__")),
  emit(source, request) {
    const context: SetRowsContext = {
      page_rows: String(PAGE_ROWS),
      arena_unit: String(ARENA_UNIT),
      rows: String(ROWS),
      code: wholeCode(request, wholeOf(source)),
    };
    return {
      signature: moveSignature(kernelName(request), {
        reads: [
          ...(wholeOf(source) === "source"
            ? [readOnly("scores", "f32", ...PER_HEAD, "headDim")]
            : []),
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

/** @throws {KerfError} the names are no segments', or rows cannot move between them so */
function wholeCode(request: EmitRequest, whole: SetRows["whole"]): "f16" | "f32" {
  const name = kernelName(request);
  const pair = ["f16t16", "bitmap_mean_f16t1"];
  const example = whole === "source" ? pair : pair.toReversed();
  const hint = `a pair such as ${request.head}__${example.join("__")}`;
  if (request.suffixes.length !== 2) {
    throw new KerfError(`Cannot emit "${name}": a move has a source and a destination`, { hint });
  }
  const { from, to, sides } = parseMoveName(request.suffixes.join("__"));
  const [full, sets] = whole === "source" ? [from, to] : [to, from];
  const code = checkStored(name, full, { tile: 16 });
  if (
    full.channels === "all" && storedCode(name, sets, "key").kind === "sets" && !sides.positions
  ) {
    return code;
  }
  throw new KerfError(
    `Cannot emit "${name}": keys of every channel meet keys that have channels of their own`,
    { hint },
  );
}
