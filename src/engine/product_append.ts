/**
 * Where the product that makes q, k and v appends them to the cache itself: in the basis they have, at their true
 * positions, with nobody who reads queries before they are rotated, and heads whose halves are whole groups of packed
 * rows. Everything else has an `append` of its own behind the product.
 */

import { PACK_ROWS } from "../core/packing.ts";
import { layoutName } from "../layout/name.ts";
import { isTurned, PAGE_ROWS } from "../layout/types.ts";
import type { Layout, Stream } from "../layout/types.ts";

/** What such products have of the cache. */
export interface ProductAppend {
  /** Ends their kernels' names: the segments to which rows are appended. */
  readonly layoutName: string;
  readonly constants: Readonly<Record<string, number>>;
}

/** @returns null where the product does not append */
export function productAppend(
  layout: Layout,
  { headDim, readsQueries }: {
    readonly headDim: number;
    /** Whether a kernel reads queries that are not rotated. */
    readonly readsQueries: boolean;
  },
): ProductAppend | null {
  const { key, value, positions, rowPositions, rowSums } = layout;
  const isWhole = headDim % (2 * PACK_ROWS) === 0;
  if (!isWhole || readsQueries || isTurned(key) || isTurned(value) || positions !== "true") {
    return null;
  }
  const lastOf = (stream: Stream): Stream => ({ ...stream, segments: stream.segments.slice(-1) });
  const nFields = (...streams: Stream[]) =>
    2 * streams.reduce((sum, { segments }) => sum + segments.length, 0);
  return {
    layoutName: layoutName({
      ...layout,
      ...{ key: lastOf(key), value: lastOf(value), rowPositions: false, rowSums: false },
    }),
    constants: {
      head_fields: nFields(key, value),
      key_field: nFields(key) - 2,
      value_field: nFields(key, value) - 2,
      value_start: 4 * PAGE_ROWS * (Number(rowPositions) + Number(rowSums)),
      ...{ window: 0, second_window: 0, second_ring: 0 },
    },
  };
}
