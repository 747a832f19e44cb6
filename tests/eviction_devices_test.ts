/**
 * Eviction through the whole engine on WebGPU and on the emulated GPU against the CPU: kept tokens and
 * channels, stored and allocated bytes after every turn, and logits behind them.
 */

import { assertEquals } from "@std/assert";
import { load } from "kerf";
import type { LoadOptions } from "kerf";
import { openEmulatedCuda } from "../src/device/cuda/emulator/open.ts";
import type { Device } from "../src/device/types.ts";
import { ignoreWithoutAdapter, testWebgpu } from "../src/device/webgpu/testing.ts";
import { slotStoredBytes } from "../src/engine/cache_bytes.ts";
import { maskOf } from "../src/engine/mask.ts";
import { testFolder } from "../src/model/testing_files.ts";
import { tinyModel } from "../src/model/testing.ts";
import { assertClose } from "./_close.ts";
import { lend } from "./_lent_device.ts";

const SHAPE = { nLayers: 3, nHeads: 6, nKvHeads: 2, headDim: 32, nCtx: 512, seed: 5 };
const TURNS = [170, 40];

/** Every choice that specs declare: pools, scopes, spans, anchors, budgets by layer, and a composition. */
const SPECS = [
  "snapkv:budget=60,window=16",
  "tova:budget=60",
  "streaming:budget=60",
  "streaming:budget=60,in_cache=1",
  "key_diff:budget=60",
  "pyramidkv:budget=60,window=16",
  "adakv:of=snapkv,budget=60,window=16",
  "massed:of=snapkv,budget=60,window=16,mass=0.5,least=20",
  "chunkkv:of=tova,budget=60,block=7",
  "h2o:budget=60",
  "h2o:budget=60+think:ratio=0.5,window=16,recent=8",
  "h2o:budget=60+think_values:ratio=0.3,window=16,recent=20",
  "expected_attention:budget=60,ahead=40",
  "think:ratio=0.5,window=16,recent=8,every=1,refresh=1",
  "think_mass:mass=0.6,window=16,recent=8",
  "snapkv:budget=60,window=16+think:ratio=0.5,window=16,recent=8",
  "think:ratio=0.5,window=16+think_values:ratio=0.3,window=16,recent=20",
  "snapkv:budget=60,window=16+think:recent=8+think_values:ratio=0.3,window=16,recent=20",
];

/** The second turn evicts rows that the first has coded, or thinned: these are f16 whatever the cache's type is. */
const ROUNDED = [
  "snapkv:budget=100,window=16+think:ratio=0.5,window=16,recent=8+kivi:bits=8,residual=32",
  "tova:budget=100+think_values:ratio=0.5,window=16+kivi:bits=8,residual=32",
  "tova:budget=100+think_values:ratio=0.5+think_bits:group=16,valueGroup=16,residual=32",
  "snapkv:budget=100,window=16+spark:ratio=0.5,window=16,recent=8",
  "snapkv:budget=100,window=16+think_bits:group=16,valueGroup=16,residual=32",
  "h2o:budget=100,every=0+think_bits:group=16,valueGroup=16,residual=32",
  "h2o:budget=100,every=0+rotated:group=16,residual=32,keyBits=8,valueBits=8",
];

/** Two turns with two decoded tokens each. */
async function answer(path: string, prune: string, options: LoadOptions) {
  const cacheTypes = { key: "f32", value: "f32" } as const;
  const shared = { parallel: 1, activations: "f32", cacheTypes } as const;
  using model = await load({ model: path, prune, ...shared, ...options });
  const { engine } = model.loaded;
  const slot = engine.cache.openSlot();
  const logits: Float32Array[] = [];
  const states: unknown[] = [];
  let position = 0;
  for (const n of TURNS) {
    const tokens = Array.from(
      { length: n },
      (_, i) => 3 + (Math.imul(position + i + 1, 7919) >>> 7) % 290,
    );
    logits.push(...await engine.step([{ slot, position, tokens, logits: "last" }]));
    await engine.compress(slot);
    position += n;
    for (let i = 0; i < 2; i++) {
      await engine.flush(slot);
      logits.push(...await engine.step([{ slot, position, tokens: [5 + i], logits: "last" }]));
      position++;
    }
    const { allocated } = engine.cache.table.bytesOf(slot);
    const stored = slotStoredBytes(engine.cache, slot);
    states.push({ mask: await maskOf(engine, slot), stored, allocated });
  }
  return { logits: logits.map((values) => values.slice()), states };
}

async function check(device: Device): Promise<void> {
  await using folder = await testFolder();
  const path = await folder.write("tiny.gguf", tinyModel(SHAPE));
  for (const prune of [...SPECS, ...ROUNDED]) {
    const want = await answer(path, prune, {});
    const got = await answer(path, prune, { openDevice: lend(device) });
    assertEquals(got.states, want.states, prune);
    got.logits.forEach((values, i) =>
      // Logits of a few units, hundreds of roundings deep, in another order of sums; a value that is near
      // the middle of two codes, or halves, may get the other one: of codes a step of 1/255 of a group's range.
      assertClose(values, want.logits[i]!, {
        bound: ROUNDED.includes(prune) ? 1e-3 : 1e-4,
        label: `${prune}, logits ${i}`,
      })
    );
  }
}

Deno.test({
  name: "webgpu: eviction keeps the CPU's rows",
  ignore: await ignoreWithoutAdapter(),
  // What the graphics driver holds from the first test on is no test's leak.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => await check(await testWebgpu()),
});

Deno.test({
  name: "cuda, emulated: eviction keeps the CPU's rows",
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    const device = await openEmulatedCuda();
    await check(device);
    device.close();
  },
});
