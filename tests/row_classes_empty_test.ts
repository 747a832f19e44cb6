/** Rows of the low class of which no value is stored: what they cost, and what they read as. */

import { assert, assertEquals } from "@std/assert";
import { slotStoredBytes } from "../src/engine/cache_bytes.ts";
import { classRows } from "../src/layout/mod.ts";
import { orderRowsReference, selectRowsReference } from "../src/reference/mod.ts";
import { meanOf } from "../src/verify/coding_losses_stage.ts";
import { segmentsOfStream, writeSegmentRows } from "./_cached_rows.ts";
import { F32, tokens, withModel } from "./_eviction.ts";
import { farthest } from "./_twins.ts";
import { everyHead, headRows, readValues, scoresOf } from "./_row_classes.ts";
import type { Rows } from "./_row_classes.ts";

Deno.test("rows without values cost no byte and read as the mean of the first of them", async () => {
  const [R, first, headDim, nPrompt] = [32, 4, 48, 200];
  const prune = `think_bits:keys=8,high=0.5,bits=2,low=0,group=32,residual=${R},every=32`;
  const shape = { nHeads: 4, nKvHeads: 2, headDim, seed: 3 };
  await withModel(shape, { prune, ...F32 }, async ({ loaded: { engine: a } }) => {
    await withModel(shape, F32, async ({ loaded: { engine: b } }) => {
      const slot = a.cache.openSlot();
      assertEquals(b.cache.openSlot(), slot);
      const ids = tokens(nPrompt, 2);
      const prompt = { slot, logits: "none", position: 0, tokens: ids } as const;
      await a.step([prompt]);
      await b.step([prompt]);
      const heads = everyHead(a, slot);
      const before = await Promise.all(heads.map((at) => headRows(a, at)));
      const scores = await Promise.all(heads.map((at, i) => scoresOf(a, at, before[i]!)));
      await a.compress(slot);
      const coded = Math.floor((nPrompt - first - R) / 32) * 32;
      const [high] = classRows({ share: 0.5, unit: 32 }, coded) as [number];
      const means: Rows = await Promise.all(heads.map(async (at, i) => {
        const own = scores[i]!.slice(first, first + coded);
        const chosen = selectRowsReference(own, { keep: high, first: 0, last: 0 });
        const others = orderRowsReference(chosen, coded).slice(high).map((row) => first + row);
        const [, low] = await readValues(a, at);
        assertEquals(low!.length, coded - high);
        const values = before[i]![1]!.at(-1)!;
        low![0]!.forEach((got, c) => {
          const column = others.map((row) => values[row]![c]!);
          const { value, error } = meanOf(column);
          assert(Math.abs(got - value) <= error, `head ${i}, channel ${c}: ${got} for ${value}`);
        });
        return low![0]!;
      }));
      // Masks of both classes of rows, two each, and the mean of each head.
      const keys = coded * headDim * 4 / 8 + coded / 32 * headDim * 4 + 2 * 2 * headDim / 8;
      const values = high * (headDim * 2 / 8 + 4) + 2 * headDim;
      const stored = heads.length * (keys + values + 2 * 4 * headDim * (nPrompt - coded));
      assertEquals(slotStoredBytes(a.cache, slot), stored);
      const full = segmentsOfStream(a, "value").at(-1)!.index;
      for (let step = 0; step < 30; step++) {
        // The rows of the prompt, then those of a flush.
        const had = a.cache.sizeOf(heads[0]!, full).rows;
        await a.flush(slot);
        const flushed = a.cache.sizeOf(heads[0]!, full).rows < had;
        for (const [i, at] of step === 0 || flushed ? heads.entries() : []) {
          const keys = (await headRows(a, at))[0]!, values = await readValues(a, at);
          assertEquals(values[1]!.at(-1), means[i], "rows that join read as the first did");
          for (const [stream, rows] of [["key", keys], ["value", values]] as const) {
            const whole = rows[2]!.slice(0, first);
            const [own] = segmentsOfStream(b, stream);
            await writeSegmentRows(b, at, own!, [...whole, ...rows[0]!, ...rows[1]!]);
          }
        }
        const rows = {
          slot,
          logits: "last",
          position: nPrompt + step,
          tokens: [5 + step],
        } as const;
        const [[x], [y]] = [await a.step([rows]), await b.step([rows])];
        // As where all rows have values: scales folded into queries round otherwise.
        assert(farthest(x!, y!) < 2e-4, `step ${step}: ${farthest(x!, y!)}`);
      }
      assert(a.cache.sizeOf(heads[0]!, a.cache.segments.at(-2)!.index).rows > coded - high);
      a.cache.closeSlot(slot);
      assertEquals(a.cache.table.allocatedBytes, 0);
    });
  });
});
