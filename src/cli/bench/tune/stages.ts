/**
 * What `bench tune` tries: a product's loops are cut by five numbers, found one after the other, each stage from
 * the best of the one before. Plain data; candidates that cannot be compiled are not among it.
 */

import type { TileSet, TileShape, TileShapes } from "../../../emit/targets/c/tile_shape.ts";

/** A kind of product that has shapes of its own. */
export type ProductKind = Exclude<keyof TileShapes, "found">;

/** The numbers that are sought together, and the work that tells them apart. */
export interface Stage {
  readonly what: string;
  /** Many rows of a prompt, or the one of a step that decodes. */
  readonly work: "rows" | "row";
  /** The present shape with other numbers in place of some; it may be among them. */
  candidates(present: TileShape): readonly TileShape[];
}

/** Lanes of a vector and vector registers. */
const VECTORS: Readonly<Record<TileSet, { readonly lanes: number; readonly registers: number }>> = {
  vnni: { lanes: 16, registers: 32 },
  v4: { lanes: 16, registers: 32 },
  v3: { lanes: 8, registers: 16 },
  dotprod: { lanes: 4, registers: 32 },
  portable: { lanes: 4, registers: 16 },
};

/** Outputs of an item: a tile's vectors divide them. */
const OUTPUTS = 32;
const TILE_ROWS = [4, 5, 6, 7, 8, 10, 12, 13, 14, 16];
const TILE_VECTORS = [1, 2, 4];
/** Inputs of a panel: 128 bytes each of f32 weights, 40 of codes, beside first-level caches of 32 to 48 KB. */
const PANELS: Readonly<Record<ProductKind, readonly number[]>> = {
  f32: [64, 96, 128, 192, 288, 384, 576],
  q8: [192, 288, 384, 576, 768, 1536],
};

/** The stages of one kind of product on one instruction set, in order. */
export function stagesOf(set: TileSet, kind: ProductKind): readonly Stage[] {
  const { lanes, registers } = VECTORS[set];
  const tiles = TILE_VECTORS.filter((vectors) => OUTPUTS % (vectors * lanes) === 0)
    .flatMap((vectors) => TILE_ROWS.map((rows) => ({ rows, vectors })))
    // Sums that have no register are stored and loaded at every turn.
    .filter(({ rows, vectors }) => (rows + 1) * vectors <= registers);
  return [
    {
      ...{ what: "rows × vectors of a tile", work: "rows" },
      candidates: (present) => tiles.map((tile) => ({ ...present, ...tile })),
    },
    {
      ...{ what: "inputs of a panel", work: "rows" },
      candidates: (present) => PANELS[kind].map((panel) => ({ ...present, panel })),
    },
    {
      ...{ what: "items ahead, for one row", work: "row" },
      candidates: (present) => [0, 1, 2, 3].map((next) => ({ ...present, next })),
    },
  ];
}
