/**
 * Tile shapes of matrix products, per instruction set. `deno task bench tune` finds them: it verifies each
 * candidate before it times it, and writes this file with --write.
 */

import type { TileTable } from "./tile_shape.ts";

/** The shapes that generated C is compiled with. */
export const TILES: TileTable = Object.freeze<TileTable>({
  vnni: {
    found: "2 threads, x86-64-v4 with vnni, 2026-11-23",
    f32: { rows: 6, vectors: 2, panel: 192, next: 1 },
    q8: { rows: 4, vectors: 2, panel: 576, next: 1 },
  },
  v4: {
    found: "2 threads, x86-64-v4, 2026-11-23",
    f32: { rows: 12, vectors: 2, panel: 192, next: 1 },
    q8: { rows: 8, vectors: 2, panel: 576, next: 1 },
  },
  v3: {
    found: "2 threads, x86-64-v3, 2026-11-23",
    f32: { rows: 6, vectors: 2, panel: 192, next: 1 },
    q8: { rows: 4, vectors: 2, panel: 576, next: 1 },
  },
  dotprod: {
    found: "by hand, for 32 registers: no such machine was at hand",
    f32: { rows: 6, vectors: 4, panel: 192, next: 1 },
    q8: { rows: 6, vectors: 4, panel: 576, next: 1 },
  },
  portable: {
    found: "by hand, on two threads of Zen 4",
    f32: { rows: 6, vectors: 2, panel: 192, next: 1 },
    q8: { rows: 4, vectors: 2, panel: 576, next: 1 },
  },
});
