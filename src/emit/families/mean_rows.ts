/**
 * Row moves between a segment of whole values and one of which nothing is stored: one kernel per pair, either
 * way. What its rows read as lies beside the cache.
 */

import { KerfError } from "../../core/error.ts";
import type { MeanRows } from "../../dsl/mean_rows.ts";
import { moveName, parseMoveName } from "../../layout/name.ts";
import { ARENA_UNIT, PAGE_ROWS } from "../../layout/types.ts";
import { moveSignature } from "../move_signature.ts";
import { PER_HEAD, VALUE_FILLS } from "../signature_parts.ts";
import { checkStored, storedCode } from "../stored.ts";
import type { EmitRequest, Family, KernelSource } from "../types.ts";
import { kernelName } from "../types.ts";

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
    orderedMoves.filter(({ to }) => to.channels === "none")
      .map((move) => averages(source) ? move : { ...move, from: move.to, to: move.from })
      .map((move) => moveName(move).split("__")),
  emit(source, request) {
    const { code, sides } = requestedMove(request, source);
    const context: MeanRowsContext = {
      page_rows: String(PAGE_ROWS),
      arena_unit: String(ARENA_UNIT),
      rows: String(ROWS),
      slices: String(SLICES),
      code,
      row_positions: sides.positions,
      row_sums: sides.sums,
    };
    const fills = {
      name: "fills",
      dtype: "f32",
      access: averages(source) ? "write" : "read",
      shape: [...PER_HEAD, "headDim"],
    } as const;
    const outside = moveSignature(kernelName(request), {
      reads: [fills],
      ordered: averages(source),
    });
    return {
      signature: { ...outside, constants: [...outside.constants, VALUE_FILLS] },
      doc: source.doc,
      from: [source.file],
      template: source.definition.name,
      context: { ...context },
      grid: [
        { of: { constant: "n_kv_heads" } },
        ...(averages(source) ? [] : [{ of: { constant: "max_rows" }, per: ROWS }]),
      ],
    };
  },
});

/** Whether whole rows lose all they store. */
const averages = ({ definition }: KernelSource) => (definition as MeanRows).whole === "source";

/** @throws {KerfError} the names are no segments', or rows cannot move between them so */
function requestedMove(request: EmitRequest, source: KernelSource) {
  const name = kernelName(request);
  const pair = ["f16t1", "none_mean_f16t1"];
  const example = averages(source) ? pair : pair.toReversed();
  const hint = `a pair such as ${request.head}__${example.join("__")}`;
  if (request.suffixes.length !== 2) {
    throw new KerfError(`Cannot emit "${name}": a move has a source and a destination`, { hint });
  }
  const { from, to, sides } = parseMoveName(request.suffixes.join("__"));
  const [full, empty] = averages(source) ? [from, to] : [to, from];
  const code = checkStored(name, full, { tile: 1 });
  if (full.channels === "all" && storedCode(name, empty, "value").kind === "none") {
    return { code, sides };
  }
  throw new KerfError(
    `Cannot emit "${name}": values of every channel meet rows of which nothing is stored`,
    { hint },
  );
}
