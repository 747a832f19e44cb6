/**
 * Row moves between a segment of whole rows and one that stores them in another way, as a request names them:
 * what set_rows.ts and mean_rows.ts share.
 */

import { KerfError } from "../../core/error.ts";
import { moveName, parseMoveName } from "../../layout/name.ts";
import type { SegmentMove } from "../../layout/name.ts";
import { checkStored, storedCode } from "../stored.ts";
import type { StoredCode } from "../stored.ts";
import type { EmitRequest } from "../types.ts";
import { kernelName } from "../types.ts";

/** Which of a move's segments stores whole rows. */
type Whole = "source" | "destination";

/** The suffixes of moves out of whole rows, each turned round where they are the destination. */
export const wholeMoveNames = (moves: readonly SegmentMove[], whole: Whole): string[][] =>
  moves.map((move) => whole === "source" ? move : { ...move, from: move.to, to: move.from })
    .map((move) => moveName(move).split("__"));

/**
 * The segments that a request names, and what the whole ones store.
 *
 * @param rule `example`: names of a pair, the whole one first; `stored`: how the other one stores its rows;
 * `asks`: what a message says of the two
 * @throws {KerfError} the names are no segments', or rows cannot move between them so
 */
export function requestedWholeMove(
  request: EmitRequest,
  { whole, example, stream, stored, asks }: {
    readonly whole: Whole;
    readonly example: readonly [string, string];
    readonly stream: "key" | "value";
    readonly stored: StoredCode["kind"];
    readonly asks: string;
  },
): SegmentMove & { readonly code: "f16" | "f32" } {
  const name = kernelName(request);
  const pair = whole === "source" ? example : example.toReversed();
  const hint = `a pair such as ${request.head}__${pair.join("__")}`;
  const move = requestedSegments(request, hint);
  const { from, to, sides } = move;
  const [full, other] = whole === "source" ? [from, to] : [to, from];
  const code = checkStored(name, full, { tile: stream === "key" ? 16 : 1 });
  const fits = full.channels === "all" && storedCode(name, other, stream).kind === stored;
  // Pages of keys begin with no positions.
  if (fits && !(stream === "key" && sides.positions)) return { ...move, code };
  throw new KerfError(`Cannot emit "${name}": ${asks}`, { hint });
}

/**
 * The two segments that a request's suffixes name.
 *
 * @throws {KerfError} they name no move
 */
export function requestedSegments(request: EmitRequest, hint: string): SegmentMove {
  if (request.suffixes.length === 2) return parseMoveName(request.suffixes.join("__"));
  throw new KerfError(
    `Cannot emit "${kernelName(request)}": a move has a source and a destination`,
    { hint },
  );
}
