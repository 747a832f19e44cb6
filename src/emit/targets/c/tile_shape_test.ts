import { assert, assertEquals } from "@std/assert";
import { TILE_SETS, tileHeader } from "./tile_shape.ts";
import type { TileSet } from "./tile_shape.ts";
import { TILES } from "./tiles.ts";

Deno.test("every shape is one that templates can be compiled with", () => {
  for (const [set, { found, f32, q8 }] of Object.entries(TILES)) {
    assert(found !== "", set);
    for (const { rows, vectors, panel, next } of [f32, q8]) {
      // FEW_ROWS below, what KERF_UNROLL spells out above.
      assert(rows >= 4 && rows <= 16, `${set}: ${rows} rows`);
      const lanes = set === "v3" ? 8 : set === "vnni" || set === "v4" ? 16 : 4;
      assertEquals(32 % (vectors * lanes), 0, `${set}: ${vectors} vectors`);
      assert(panel > 0 && panel % 32 === 0, `${set}: a panel of ${panel}`);
      assert(next >= 0, set);
    }
  }
});

Deno.test("the header asks for one instruction set after the other and has each one's numbers", () => {
  const shape = TILES.v3.q8;
  const header = tileHeader({ ...TILES, v3: { ...TILES.v3, q8: { ...shape, rows: 7 } } });
  const asked = [...header.matchAll(/^#(?:if|elif|else)(.*)$/gm)].map(([line]) => line);
  assertEquals(asked, [
    "#if KERF_N == 16 && defined(__AVX512VNNI__)",
    "#elif KERF_N == 16",
    "#elif KERF_N == 8",
    "#elif defined(__ARM_FEATURE_DOTPROD)",
    "#else",
  ]);
  const parts = header.split(/^#(?:if|elif|else).*$/m).slice(1);
  const rowsOf = (kind: string) =>
    parts.map((part) => Number(new RegExp(`KERF_${kind}_ROWS = (\\d+)`).exec(part)?.[1]));
  const sets = Object.keys(TILE_SETS) as TileSet[];
  assertEquals(rowsOf("F32"), sets.map((set) => TILES[set].f32.rows));
  assertEquals(rowsOf("Q8"), sets.map((set) => set === "v3" ? 7 : TILES[set].q8.rows));
});
