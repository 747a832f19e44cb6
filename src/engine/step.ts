/**
 * Turns the rows that a step computes, any mix of prefill chunks and single decode rows of several
 * sequences, into the arrays kernels read. Rows of a sequence stay together and in order; a sequence
 * with one row goes the decode way, every other in query tiles.
 */

import { QUERY_TILE } from "../core/tiles.ts";

/** One sequence's share of a step. */
export interface StepSequence {
  /** Its place in the cache. */
  readonly slot: number;
  /** True position of the first row. */
  readonly position: number;
  /** Token ids, one per row; at least one. */
  readonly tokens: readonly number[];
  /** Which rows want logits; `pick`: the last, and of them only where the largest is. */
  readonly logits: "none" | "pick" | "last" | "all";
  /** 256-row chunks of the slot's cache once these rows are in it. */
  readonly nSplits: number;
}

/** A step as the kernels read it; names and shapes are ARCHITECTURE.md's. */
export interface Step {
  /** `STEP_FIELDS` in order. */
  readonly step: Uint32Array<ArrayBuffer>;
  /** u32 [nSeqs, 4]: nQuery, firstRow, position of the first row, slot. */
  readonly seqs: Uint32Array<ArrayBuffer>;
  readonly tokens: Uint32Array<ArrayBuffer>;
  readonly row_seq: Uint32Array<ArrayBuffer>;
  readonly row_position: Uint32Array<ArrayBuffer>;
  /** u32 [nTiles, 4]: sequence, first row, row count, 0. */
  readonly tiles: Uint32Array<ArrayBuffer>;
  readonly decode_rows: Uint32Array<ArrayBuffer>;
  readonly rows: Uint32Array<ArrayBuffer>;
}

/** The buffers a step fills, in the order they are written. */
export const STEP_BUFFERS = [
  "step",
  "seqs",
  "tokens",
  "row_seq",
  "row_position",
  "tiles",
  "decode_rows",
  "rows",
] as const satisfies readonly (keyof Step)[];

/** How many of a sequence's rows want logits: its last ones. */
export function logitRows({ logits, tokens }: Pick<StepSequence, "logits" | "tokens">): number {
  if (logits === "none") return 0;
  return logits === "all" ? tokens.length : 1;
}

/**
 * Builds a step.
 *
 * @throws {RangeError} no sequence, or one without rows
 * @example
 * ```ts
 * import { buildStep } from "./step.ts";
 * const one = { slot: 0, position: 7, tokens: [42], logits: "last", nSplits: 1 } as const;
 * const { step } = buildStep([one]);
 * if (step.join() !== "1,1,1,0,1,1") throw new Error("wrong header");
 * ```
 */
export function buildStep(sequences: readonly StepSequence[]): Step {
  if (sequences.length === 0) throw new RangeError("Cannot build a step: it has no sequence");
  const seqs: number[] = [];
  const tokens: number[] = [];
  const rowSeq: number[] = [];
  const rowPosition: number[] = [];
  const tiles: number[] = [];
  const decodeRows: number[] = [];
  const rows: number[] = [];
  let nSplits = 0;
  sequences.forEach((sequence, index) => {
    const nQuery = sequence.tokens.length;
    if (nQuery === 0) throw new RangeError(`Cannot build a step: sequence ${index} has no rows`);
    const firstRow = tokens.length;
    seqs.push(nQuery, firstRow, sequence.position, sequence.slot);
    sequence.tokens.forEach((token, i) => {
      tokens.push(token);
      rowSeq.push(index);
      rowPosition.push(sequence.position + i);
    });
    const nWanted = logitRows(sequence);
    for (let i = nQuery - nWanted; i < nQuery; i++) rows.push(firstRow + i);
    if (nQuery === 1) {
      decodeRows.push(firstRow);
      nSplits = Math.max(nSplits, sequence.nSplits);
    } else {
      for (let i = 0; i < nQuery; i += QUERY_TILE) {
        tiles.push(index, firstRow + i, Math.min(QUERY_TILE, nQuery - i), 0);
      }
    }
  });
  const header = [
    tokens.length,
    sequences.length,
    rows.length,
    tiles.length / 4,
    decodeRows.length,
    nSplits,
  ];
  return {
    step: Uint32Array.from(header),
    seqs: Uint32Array.from(seqs),
    tokens: Uint32Array.from(tokens),
    row_seq: Uint32Array.from(rowSeq),
    row_position: Uint32Array.from(rowPosition),
    tiles: Uint32Array.from(tiles),
    decode_rows: Uint32Array.from(decodeRows),
    rows: Uint32Array.from(rows),
  };
}
