import { assertEquals } from "@std/assert";
import { openCpuDevice } from "../device/cpu/device.ts";
import { load } from "../mod.ts";
import { tinyModel } from "../model/testing.ts";
import { testFolder } from "../model/testing_files.ts";

/** How often the cache was settled by each decoded row, after a prompt that fills its pages but for `free` rows. */
async function settledBy(prune: string, { free, nDecoded }: { free: number; nDecoded: number }) {
  await using folder = await testFolder();
  // A page of every layer, head and stream is 2 MiB in all: as much as is worth settling.
  const shape = { nLayers: 8, nHeads: 24, nKvHeads: 8, headDim: 64, dModel: 32 } as const;
  const model = await folder.write("wide.gguf", tinyModel(shape));
  let settled = 0;
  using loaded = await load({
    ...{ model, prune, parallel: 1, nCtx: 256 },
    openDevice: async () => {
      const device = await openCpuDevice({ threads: 1 });
      return {
        ...device,
        settle(buffer) {
          settled++;
          device.settle(buffer);
        },
      };
    },
  });
  const { engine } = loaded.loaded;
  const slot = engine.cache.openSlot();
  const nPrompt = 128 - free;
  const prompt = Array.from({ length: nPrompt }, (_, i) => 3 + i);
  await engine.step([{ slot, position: 0, tokens: prompt, logits: "none" }]);
  assertEquals(settled, 0, "a prefill has not ended");
  await engine.compress(slot);
  assertEquals(settled, 1);
  const counts: number[] = [];
  for (let i = 0; i < nDecoded; i++) {
    await engine.flush(slot);
    await engine.step([{ slot, position: nPrompt + i, tokens: [7], logits: "none" }]);
    counts.push(settled - 1);
  }
  return counts;
}

Deno.test("decoded rows are settled when they have filled pages, where nothing moves them later", async () => {
  assertEquals(await settledBy("none", { free: 2, nDecoded: 4 }), [0, 0, 1, 1]);
  assertEquals(await settledBy("kivi:bits=2", { free: 2, nDecoded: 4 }), [0, 0, 0, 0]);
});
