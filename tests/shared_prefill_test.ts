/** A prefill that another plan ran is the plan's own, bit for bit, whatever it records for its scores. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { load } from "kerf";
import type { LoadOptions } from "kerf";
import { loadEmulatedDriver } from "../src/device/cuda/emulator/emulated_driver.ts";
import { openEmulatedCuda } from "../src/device/cuda/emulator/open.ts";
import { ignoreWithoutAdapter } from "../src/device/webgpu/testing.ts";
import type { Loaded } from "../src/engine/load.ts";
import { prefillRecord, putPrefill, serves, takePrefill } from "../src/engine/prefill_state.ts";
import { Prefills } from "../src/eval/prefills.ts";
import { tinyModel } from "../src/model/testing.ts";
import { testFolder } from "../src/model/testing_files.ts";
import { cacheDir } from "../src/sys/cache_dir.ts";
import { assertSameRows } from "./_rows.ts";

/** What each records: nothing, queries, positions, sums, moments, rows in another basis, classes. */
const SPECS = [
  "none",
  "think:ratio=0.5,window=8,recent=8",
  "snapkv:budget=48,window=24+think:ratio=0.3,window=8,recent=8",
  "streaming:budget=40,in_cache=1",
  "h2o:budget=64,every=5",
  "expected_attention:budget=60",
  "rotated",
  "think_bits",
  "spark:ratio=0.5,window=8,recent=8",
];

const N_PROMPT = 150;
const prompt = Array.from({ length: N_PROMPT }, (_, i) => 3 + (Math.imul(i + 1, 7919) >>> 7) % 290);

async function withModel(options: LoadOptions, run: (first: Loaded) => Promise<void>) {
  await using folder = await testFolder();
  const path = await folder.write("tiny.gguf", tinyModel({ nHeads: 6, nKvHeads: 2, headDim: 64 }));
  using model = await load({ model: path, parallel: 1, logitRows: 4, chunkSize: 128, ...options });
  await run(model.loaded);
}

/** What follows a filled slot: logits of 12 steps over what compression leaves of it. */
async function behind({ engine }: Loaded, slot: number): Promise<Float32Array[]> {
  await engine.compress(slot);
  const rows: Float32Array[] = [];
  for (let i = 0; i < 12; i++) {
    await engine.flush(slot);
    const row = { slot, position: N_PROMPT + i, tokens: [5 + i], logits: "last" } as const;
    rows.push(...await engine.step([row]));
    await engine.evictDecoded(slot, i + 1);
  }
  return rows;
}

/** A slot that the plan prefilled itself, in several chunks. */
async function own(loaded: Loaded) {
  assert(loaded.chunkSize < N_PROMPT);
  return await new Prefills(prompt, [loaded]).open(loaded);
}

/** Every spec goes on from a shared prefill as from its own. @returns how many were run */
async function compare(first: Loaded, specs: readonly string[]): Promise<number> {
  const all: Loaded[] = [];
  for (const spec of specs) all.push(await first.withPrune(spec));
  const prefills = new Prefills(prompt, all);
  for (const [i, loaded] of all.entries()) {
    const { cache } = loaded.engine;
    const mine = await own(loaded);
    const want = await behind(loaded, mine.slot);
    const wantBytes = cache.table.bytesOf(mine.slot).allocated;
    cache.closeSlot(mine.slot);
    const { slot, logits } = await prefills.open(loaded);
    assertSameRows([logits], [mine.logits], specs[i]!);
    assertSameRows(await behind(loaded, slot), want, specs[i]!);
    assertEquals(cache.table.bytesOf(slot).allocated, wantBytes, specs[i]!);
    cache.closeSlot(slot);
  }
  return prefills.count;
}

Deno.test("every spec goes on from another's prefill as from its own", async () => {
  await withModel({}, async (first) => {
    // Queries are the widest ring's; sums, moments and the turned rows are their own plans'.
    assertEquals(await compare(first, SPECS), 4);
  });
});

Deno.test("f32 rows are shared as f16 ones are", async () => {
  await withModel({ cacheTypes: { key: "f32", value: "f32" } }, async (first) => {
    assertEquals(await compare(first, [SPECS[0]!, SPECS[2]!, SPECS[4]!]), 2);
  });
});

/** Of one layout, so that there is little to compile; the second's ring is smaller. */
const GPU_SPECS = [
  "h2o:budget=64,every=5+think:ratio=0.5,window=8,recent=8",
  "h2o:budget=80,every=0+think:ratio=0.3,window=5,recent=8",
];

Deno.test({
  name: "webgpu: a shared prefill is a spec's own",
  ignore: await ignoreWithoutAdapter(),
  // What the graphics driver holds from the first use on is no test's leak.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: () =>
    withModel({ device: "webgpu" }, async (first) => {
      assertEquals(await compare(first, GPU_SPECS), 1);
    }),
});

Deno.test("cuda: a shared prefill is a spec's own", async () => {
  const emulated = await loadEmulatedDriver(join(cacheDir(), "emulated"));
  emulated.reset();
  const openDevice = () => openEmulatedCuda({ checked: false });
  await withModel({ openDevice }, async (first) => {
    assertEquals(await compare(first, GPU_SPECS), 1);
  });
  assertEquals(emulated.leaks(), [], "left on the GPU");
});

Deno.test("a copy of a copy is the copy, statistics included", async () => {
  await withModel({}, async (first) => {
    for (const spec of [SPECS[2]!, SPECS[4]!, SPECS[5]!]) {
      const loaded = await first.withPrune(spec);
      const { engine } = loaded;
      const { slot } = await own(loaded);
      const state = await takePrefill(engine, slot);
      engine.cache.closeSlot(slot);
      const copy = engine.cache.openSlot();
      putPrefill(engine, copy, state);
      const again = await takePrefill(engine, copy);
      // Behind the last row of the last page there is nothing to be equal.
      const pages = (of: typeof state) =>
        [...of.pages.values()].flatMap((list) => list.slice(0, -1))
          .flatMap(({ rows, sums }) => [rows, sums]).map((bytes) =>
            new Float32Array(bytes.slice().buffer)
          );
      const queries = ({ rings, moments }: typeof state) => [
        ...rings.values(),
        ...(moments ? [new Float32Array(moments.slice().buffer)] : []),
      ];
      assertSameRows(pages(again), pages(state), spec);
      assertSameRows(queries(again), queries(state), spec);
      engine.cache.closeSlot(copy);
    }
  });
});

Deno.test("what a prefill did not record is not made up", async () => {
  await withModel({}, async (first) => {
    const [dense, think, sums] = [
      first,
      await first.withPrune(SPECS[1]!),
      await first.withPrune(SPECS[4]!),
    ];
    const records = [dense, think, sums].map(({ engine }) => prefillRecord(engine));
    assertEquals(records.map((r) => serves(records[0]!, r)), [true, false, false]);
    assertEquals(records.map((r) => serves(records[1]!, r)), [true, true, false]);
    assertEquals(records.map((r) => serves(records[2]!, r)), [true, false, true]);
    const { slot } = await own(dense);
    const state = await takePrefill(dense.engine, slot);
    assertThrows(() => putPrefill(think.engine, think.engine.cache.openSlot(), state), RangeError);
    assertThrows(() => putPrefill(dense.engine, slot, state), RangeError);
  });
});
