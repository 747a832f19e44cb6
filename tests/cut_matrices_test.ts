/**
 * On a device that binds only little at once, matrices and the embedding table are cut into parts: the
 * logits keep every bit, whatever the parts.
 */

import { assert, assertEquals } from "@std/assert";
import { load } from "kerf";
import { openCpuDevice } from "../src/device/mod.ts";
import { argmax } from "../src/engine/argmax.ts";
import { testFolder } from "../src/model/testing_files.ts";
import { tinyModel } from "../src/model/testing.ts";

async function logitsOf(path: string, maxBindingBytes: number) {
  const openDevice = async () => ({ ...await openCpuDevice({ threads: 2 }), maxBindingBytes });
  using model = await load({ model: path, parallel: 2, openDevice });
  const { engine, plan } = model.loaded;
  const slot = engine.cache.openSlot();
  // Ids from both ends of the table, so that every part of it is asked for.
  const tokens = Array.from({ length: 40 }, (_, i) => i % 2 === 0 ? 3 + i : 290 - i);
  const rows = { slot, position: 0, tokens, logits: "last" } as const;
  const prefilled = await engine.step([rows]);
  const decoded = await engine.step([{ ...rows, position: 40, tokens: [7] }]);
  const other = { ...rows, slot: engine.cache.openSlot(), logits: "pick" } as const;
  const picked = await engine.step([other]);
  assertEquals(picked, prefilled.map(argmax), "the head's parts leave their largest in one row");
  const { embedding, head, layers } = plan.inputs.weights;
  const nParts = [
    embedding,
    head,
    ...layers.flatMap((l) => [l.qkv, l.attnOutput, l.gateUp, l.ffnDown]),
  ]
    .map((parts) => parts.length);
  return { logits: [...prefilled, ...decoded], nParts };
}

for (const ownHead of [false, true]) {
  Deno.test(`cut matrices give the same bits, ${ownHead ? "two tables" : "one table"}`, async () => {
    await using folder = await testFolder();
    const shape = { nHeads: 6, nKvHeads: 2, seed: 5, ownHead } as const;
    const path = await folder.write("tiny.gguf", tinyModel(shape));
    const whole = await logitsOf(path, Infinity);
    // One head of one projection: 32 channels over 192 inputs, f32.
    const cut = await logitsOf(path, 32 * 192 * 4);
    assert(cut.nParts.every((n) => n > 1), `parts: ${cut.nParts}`);
    assertEquals(cut.logits, whole.logits);
  });
}
