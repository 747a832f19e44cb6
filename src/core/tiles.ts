/**
 * Sizes of work that the engine cuts and kernels take as given, beside the row counts of
 * src/layout/types.ts.
 */

/**
 * Query rows of one prefill tile: the entries of `tiles` hold at most this many rows of one sequence.
 * Eight rows times a group of three query heads are two blocks of twelve accumulators, and a key that
 * was loaded meets 24 queries; more would only grow the scratch of long heads (8 heads · 128 channels).
 */
export const QUERY_TILE = 8;
