/** A row move on plain rows: which rows go where, and which of their channels. */

/** One (layer, KV head)'s move. */
export interface RowMove {
  readonly firstSource: number;
  readonly firstDestination: number;
  readonly rows: number;
  /** Channels the destination stores, ascending; absent: all. */
  readonly channels?: ArrayLike<number>;
}

/**
 * The destination's rows after the move; rows it does not touch stay.
 *
 * @param source rows of [headDim]
 */
export function moveRowsReference(
  source: readonly ArrayLike<number>[],
  destination: readonly ArrayLike<number>[],
  move: RowMove,
): ArrayLike<number>[] {
  const { firstSource, firstDestination, rows, channels } = move;
  const out = [...destination];
  for (let i = 0; i < rows; i++) {
    const row = source[firstSource + i]!;
    out[firstDestination + i] = channels === undefined
      ? row
      : Array.from(channels, (channel) => row[channel]!);
  }
  return out;
}
