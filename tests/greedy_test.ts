/**
 * Greedy decoding reads four bytes a row: the device finds the largest logit. The tokens are those that
 * reading all logits gives, in any company.
 */

import { assertEquals } from "@std/assert";
import { load } from "kerf";
import type { Model } from "kerf";
import { openCpuDevice } from "../src/device/mod.ts";
import type { Device } from "../src/device/mod.ts";
import { argmax } from "../src/engine/argmax.ts";
import { testFolder } from "../src/model/testing_files.ts";
import { tinyModel } from "../src/model/testing.ts";

const N_VOCAB = 300;
const PROMPT = Array.from({ length: 20 }, (_, i) => 3 + (i * 37) % 290);

/** A loaded model, and how many bytes each step or read brought back. */
async function withModel(run: (model: Model, reads: number[]) => Promise<void>): Promise<void> {
  await using folder = await testFolder();
  const path = await folder.write("tiny.gguf", tinyModel({ nHeads: 6, nKvHeads: 2 }));
  const reads: number[] = [];
  const openDevice = async (): Promise<Device> => {
    const device = await openCpuDevice({ threads: 2 });
    const counted = (bytes: Uint8Array) => {
      if (bytes.length > 0) reads.push(bytes.length);
      return bytes;
    };
    return {
      ...device,
      read: async (...range) => counted(await device.read(...range)),
      run: async (...step) => counted(await device.run(...step)),
    };
  };
  using model = await load({ model: path, parallel: 4, openDevice });
  reads.length = 0;
  await run(model, reads);
}

Deno.test("a step gives ids and logits in the rows' order and reads no logits where all rows pick", async () => {
  await withModel(async ({ loaded: { engine } }, reads) => {
    const slots = [0, 1, 2, 3].map(() => engine.cache.openSlot());
    const rowsOf = (slot: number) => ({ slot, position: 0, tokens: PROMPT.slice(slot) });
    const whole = await engine.step(slots.map((s) => ({ ...rowsOf(s), logits: "last" as const })));
    for (
      const [wants, bytes] of [
        [["pick", "pick", "pick", "pick"], [16]],
        [["pick", "last", "last", "pick"], [16 * N_VOCAB]],
        [["last", "pick", "pick", "none"], [12 * N_VOCAB]],
        [["none", "last", "none", "pick"], [8 * N_VOCAB]],
        [["none", "none", "pick", "none"], [4]],
        [["none", "none", "none", "none"], []],
      ] as const
    ) {
      for (const slot of slots) engine.cache.clearSlot(slot);
      reads.length = 0;
      const got = await engine.step(slots.map((s, i) => ({ ...rowsOf(s), logits: wants[i]! })));
      assertEquals(reads, [...bytes], wants.join());
      const want = wants.flatMap((kind, i) =>
        kind === "none" ? [] : [kind === "pick" ? argmax(whole[i]!) : whole[i]!]
      );
      assertEquals(got, want, wants.join());
    }
    for (const slot of slots) engine.cache.closeSlot(slot);
  });
});

Deno.test("greedy tokens are those of all logits, and cost four bytes each", async () => {
  await withModel(async (model, reads) => {
    const options = { maxTokens: 12, ignoreStop: true } as const;
    const { tokens } = await model.generate({ tokens: PROMPT }, options).result;
    assertEquals(reads, Array(12).fill(4));
    const { engine } = model.loaded;
    const slot = engine.cache.openSlot();
    const all = [...PROMPT];
    for (let at = 0; all.length < PROMPT.length + 12;) {
      const rows = { slot, position: at, tokens: all.slice(at), logits: "last" } as const;
      const [logits] = await engine.step([rows]);
      at = all.length;
      all.push(argmax(logits!));
    }
    engine.cache.closeSlot(slot);
    assertEquals(tokens, all.slice(PROMPT.length));
    // A penalty changes logits before the largest is sought: they are read.
    reads.length = 0;
    await model.generate({ tokens: PROMPT }, { ...options, repeatPenalty: 1.2 }).result;
    assertEquals(reads, Array(12).fill(4 * N_VOCAB));
  });
});
