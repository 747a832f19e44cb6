/**
 * What channels lose as codes of two classes: one kernel per full segment and coded one, named like the move
 * between them. It reads the rows that are to be coded where they lie and writes beside the cache.
 */

import { KerfError } from "../../core/error.ts";
import type { Signature } from "../../core/signature.ts";
import type { CodingLosses } from "../../dsl/coding_losses.ts";
import { moveName } from "../../layout/name.ts";
import { ARENA_UNIT, PAGE_ROWS } from "../../layout/types.ts";
import { f32, PER_HEAD, readOnly, u32, written } from "../signature_parts.ts";
import type { StoredCode } from "../stored.ts";
import type { Family, KernelSource } from "../types.ts";
import { kernelName } from "../types.ts";
import { requestedMove } from "./move_rows.ts";

/** Channels of one item. */
const CHANNELS = 16;

/** What templates/<target>/coding_losses.* read. */
export interface CodingLossesContext {
  readonly page_rows: string;
  readonly arena_unit: string;
  /** Channels of one item. */
  readonly channels: string;
  /** Stored elements of the rows. */
  readonly code: "f16" | "f32";
  /** What they would become. */
  readonly stored: StoredCode;
  /** Whether a list says where each row lies. */
  readonly ordered: boolean;
}

/** The family of measurements of losses. */
export const codingLosses: Family = Object.freeze<Family>({
  kind: "coding_losses",
  heads: (source) => [source.definition.name],
  variants: (source, { moves, orderedMoves }) =>
    (isOrdered(source) ? orderedMoves : moves)
      .filter(({ to: { code } }) => code.kind === "affine" && code.low !== undefined)
      .map((move) => moveName(move).split("__")),
  emit(source, request) {
    const { code, stored } = requestedMove(request, "destination");
    const name = kernelName(request);
    if (stored.kind !== "classes") {
      throw new KerfError(`Cannot emit "${name}": the destination has one class of channels`, {
        hint: `a pair such as ${request.head}__f16t16__list_mean_q42r64t16`,
      });
    }
    const context: CodingLossesContext = {
      page_rows: String(PAGE_ROWS),
      arena_unit: String(ARENA_UNIT),
      channels: String(CHANNELS),
      code,
      stored,
      ordered: isOrdered(source),
    };
    return {
      signature: signature(name, context),
      doc: source.doc,
      from: [source.file],
      template: "coding_losses",
      context: { ...context },
      grid: [
        { of: { constant: "n_kv_heads" } },
        ...(isOrdered(source) ? [{ of: { constant: "n_key_lists" } }] : []),
        { of: { constant: "n_channels" }, per: CHANNELS },
      ],
    };
  },
});

const isOrdered = ({ definition }: KernelSource) => (definition as CodingLosses).ordered;

/** The dimensions of what every list of a layer's heads has. */
const PER_LIST = ["nKvHeads", "nKeyLists"] as const;

/** The outside, as ARCHITECTURE.md's table has it. */
function signature(name: string, { ordered }: CodingLossesContext): Signature {
  return {
    name,
    bindings: [
      readOnly("pages", "u32", ...PER_HEAD, "page_entries"),
      ...(ordered
        ? [
          readOnly("order", "u32", "nKvHeads", "max_rows"),
          readOnly("token_scores", "f32", "nKvHeads", "max_rows"),
        ]
        : []),
      readOnly("due_counts", "u32", "nKvHeads", "nKeyLists"),
      readOnly("arena", "u8", "arenaBytes"),
      written("losses", "f32", ...PER_LIST, "headDim", "3"),
      written("means", "f32", ...PER_LIST, "headDim"),
    ],
    constants: [
      u32("slot"),
      u32("layer"),
      u32("n_layers"),
      u32("n_kv_heads"),
      u32("page_entries", "entries of a head in pages"),
      u32("key_page", "first page entry of the last segment of keys"),
      u32("n_channels", "headDim"),
      ...(ordered
        ? [
          u32("n_key_lists", "lists of a head"),
          u32("max_rows", "rows of the longest order"),
          u32("weighs_rows", "1: a row's errors count as its score"),
          f32(
            "mean_share",
            "of the scores' mean in what each row counts, where two lists have rows",
          ),
        ]
        : []),
    ],
    defines: ["HEAD_DIM"],
  };
}
