/** How many key channels of a head are enough: as many as the scores say, within what the spec allows. */

import { assert, assertEquals } from "@std/assert";
import { channelScoresOf } from "../src/engine/channel_scores.ts";
import { keptChannelsOf } from "../src/engine/mask.ts";
import { countEnoughReference, selectChannelsReference } from "../src/reference/mod.ts";
import { bitsOf, F32, tokens, withModel } from "./_eviction.ts";

const SHAPE = { nHeads: 6, nKvHeads: 2 };
const HEAD_DIM = 32;

Deno.test("think_mass keeps the channels that hold the mass, head by head and prompt by prompt", async () => {
  const cases = [
    { mass: 0.6, ratio: 0, least: 1, multiple: 1 },
    { mass: 0.8, ratio: 0.6, least: 5, multiple: 1 },
    { mass: 0.3, ratio: 0, least: 4, multiple: 4 },
  ];
  const counted: number[] = [];
  for (const given of cases) {
    const prune = `think_mass:${Object.entries(given).map((pair) => pair.join("=")).join()}`;
    await withModel(SHAPE, { prune, parallel: 2, ...F32 }, async (model) => {
      const { engine } = model.loaded;
      const most = Math.ceil((HEAD_DIM - Math.floor(given.ratio * HEAD_DIM)) / given.multiple) *
        given.multiple;
      for (const [seed, n] of [[1, 90], [2, 200]] as const) {
        const slot = engine.cache.openSlot();
        await bitsOf(model, slot, { ids: tokens(n, seed), chunk: 70, nDecode: 0 });
        const scores = await channelScoresOf(model.loaded, slot);
        const kept = (await keptChannelsOf(engine, slot)).flatMap(({ heads }) => heads);
        const counts = kept.map(({ keptChannels }, head) => {
          const own = scores.subarray(head * HEAD_DIM, (head + 1) * HEAD_DIM);
          const rule = { kind: "mass", amount: given.mass, least: given.least } as const;
          const options = { rule, most, multiple: given.multiple, first: 0, last: 0 };
          const width = countEnoughReference(own, options);
          assertEquals(keptChannels, selectChannelsReference(own, width), `${prune}, head ${head}`);
          return width;
        });
        counted.push(...counts);
        // A later turn keeps the masks, and what is decoded stays whole.
        await bitsOf(model, slot, { ids: tokens(40, 3), chunk: 40, nDecode: 2 });
        const later = (await keptChannelsOf(engine, slot)).flatMap(({ heads }) => heads);
        assertEquals(later.map((head) => head.keptChannels!.length), counts, prune);
      }
    });
  }
  assert(new Set(counted).size > 3, `counts do not differ: ${counted}`);
});

Deno.test("where every channel is called for, nothing is removed, bit for bit", async () => {
  const bits = async (prune: string) => {
    const all: Uint32Array[][] = [];
    await withModel(SHAPE, { prune, ...F32 }, async (model) => {
      const { cache } = model.loaded.engine;
      const slot = cache.openSlot();
      all.push(await bitsOf(model, slot, { ids: tokens(300, 1), chunk: 100, nDecode: 3 }));
      all.push(await bitsOf(model, slot, { ids: tokens(50, 2), chunk: 50, nDecode: 1 }));
    });
    return all;
  };
  assertEquals(await bits("think_mass:mass=1"), await bits("none"));
  assertEquals(await bits("think_mass:mass=0,least=32"), await bits("none"));
});
