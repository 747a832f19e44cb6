/**
 * What a table of tile shapes holds, and the header that hands it to generated C: one set of numbers for each
 * kind of vectors that kernels are compiled for. A shape decides how fast a product is and no bit of it: every
 * sum takes its inputs in ascending order whatever the tile.
 */

/** How the loops of a matrix product are cut. */
export interface TileShape {
  /** Rows of x whose sums stay in registers, 4 to 16 … */
  readonly rows: number;
  /** … by so many vectors of outputs each: 1, or what divides those of an item. */
  readonly vectors: number;
  /** Inputs unpacked at a time, a multiple of 32. */
  readonly panel: number;
  /** Items from that of which weights are read to the one asked for. */
  readonly next: number;
}

/** The shapes of one instruction set. */
export interface TileShapes {
  /** On what machine `deno task bench tune` found them, and when. */
  readonly found: string;
  /** Of products of f32 rows. */
  readonly f32: TileShape;
  /** Of products of rows as 8-bit codes. */
  readonly q8: TileShape;
}

/**
 * The instruction sets that have shapes of their own, each with the question that compiled text asks; the first
 * that is true counts.
 */
export const TILE_SETS = {
  vnni: "KERF_N == 16 && defined(__AVX512VNNI__)",
  v4: "KERF_N == 16",
  v3: "KERF_N == 8",
  dotprod: "defined(__ARM_FEATURE_DOTPROD)",
  portable: "1",
} as const;

/** An instruction set with shapes of its own. */
export type TileSet = keyof typeof TILE_SETS;

/** Shapes by instruction set. */
export type TileTable = Readonly<Record<TileSet, TileShapes>>;

const HEADER = `/*
 * How the loops of matrix products are cut on each instruction set: src/emit/targets/c/tiles.ts, which
 * \`deno task bench tune\` finds. No bit of a result depends on it.
 *
 * Include after kerf_native.h.
 */
#pragma once
`;

/** The header of a table. */
export function tileHeader(table: TileTable): string {
  const sets = Object.entries(TILE_SETS).map(([set, condition], i) => {
    const { f32, q8 } = table[set as TileSet];
    return `#${i === 0 ? "if" : "elif"} ${condition}\n${enumOf("f32", f32)}${enumOf("q8", q8)}`;
  });
  return `${HEADER}\n${sets.join("\n")}#endif\n`.replace("#elif 1\n", "#else\n");
}

function enumOf(kind: string, { rows, vectors, panel, next }: TileShape): string {
  const name = `KERF_${kind.toUpperCase()}`;
  return `enum {
  ${name}_ROWS = ${rows},
  ${name}_VECTORS = ${vectors},
  ${name}_PANEL = ${panel},
  ${name}_NEXT = ${next},
};
`;
}
