/** The table of tile shapes as the file that holds it, formatted as `deno fmt` leaves it. */

import { TILE_SETS } from "../../../emit/targets/c/tile_shape.ts";
import type { TileSet, TileShape, TileTable } from "../../../emit/targets/c/tile_shape.ts";

/** Where it lies, from the project's root. */
export const TABLE_FILE = "src/emit/targets/c/tiles.ts";

const HEADER = `/**
 * Tile shapes of matrix products, per instruction set. \`deno task bench tune\` finds them: it verifies each
 * candidate before it times it, and writes this file with --write.
 */

import type { TileTable } from "./tile_shape.ts";

/** The shapes that generated C is compiled with. */
export const TILES: TileTable = Object.freeze<TileTable>({
`;

/** A shape in one line. */
export const shapeText = (shape: TileShape): string =>
  `{ ${Object.entries(shape).map(([name, value]) => `${name}: ${value}`).join(", ")} }`;

/** The lines of one instruction set. */
export const setText = (table: TileTable, set: TileSet): string => {
  const { found, f32, q8 } = table[set];
  return `  ${set}: {
    found: ${JSON.stringify(found)},
    f32: ${shapeText(f32)},
    q8: ${shapeText(q8)},
  },
`;
};

/** The whole file. */
export const tableText = (table: TileTable): string =>
  `${HEADER}${Object.keys(TILE_SETS).map((set) => setText(table, set as TileSet)).join("")}});\n`;
