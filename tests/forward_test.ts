/**
 * The engine against a forward pass written from the papers, in f64, on tiny models of every shape: logits
 * of prefilled and decoded rows, and ThinK's kept channels from the pass's own queries and keys.
 */

import { assert, assertEquals } from "@std/assert";
import { load } from "kerf";
import { keptChannelsOf } from "../src/engine/mask.ts";
import { testFolder } from "../src/model/testing_files.ts";
import { tinyModel } from "../src/model/testing.ts";
import type { TinyModelOptions } from "../src/model/testing.ts";
import { selectChannelsReference } from "../src/reference/mod.ts";
import { assertClose } from "./_close.ts";
import { forward } from "./_forward.ts";
import type { LayerTrace } from "./_forward.ts";

const WINDOW = 16;
const tokens = (n: number, seed: number) =>
  Array.from({ length: n }, (_, i) => 3 + (Math.imul(i + 1, 7919 + seed * 104729) >>> 7) % 290);

/** ThinK's scores of a KV head's channels: ‖q_j‖²·‖k_j‖², q over the window and the group. */
function thinkScores({ queries, keys }: LayerTrace, kvHead: number, nPrompt: number): number[] {
  const group = queries.length / keys.length;
  const own = queries.slice(kvHead * group, (kvHead + 1) * group)
    .flatMap((head) => head.slice(Math.max(0, nPrompt - WINDOW), nPrompt));
  const squares = (rows: readonly Float64Array[], c: number) =>
    rows.reduce((sum, row) => sum + row[c]! ** 2, 0);
  const seen = keys[kvHead]!.slice(0, nPrompt);
  return Array.from({ length: seen[0]!.length }, (_, c) => squares(own, c) * squares(seen, c));
}

async function check(shape: TinyModelOptions, nPrompt: number, nDecode: number): Promise<void> {
  await using folder = await testFolder();
  const path = await folder.write("tiny.gguf", tinyModel(shape));
  const prune = `think:ratio=0.5,window=${WINDOW},recent=8`;
  const options = { model: path, parallel: 1, cacheTypes: { key: "f32", value: "f32" } } as const;
  using model = await load({ ...options });
  const { engine, gguf, config } = model.loaded;
  const ids = tokens(nPrompt + nDecode, nPrompt);
  const { logits, layers } = forward(gguf, config, ids);
  const slot = engine.cache.openSlot();
  const rows = { slot, position: 0, tokens: ids.slice(0, nPrompt), logits: "last" } as const;
  const got = [...await engine.step([rows])];
  for (let i = nPrompt; i < ids.length; i++) {
    const row = { slot, position: i, tokens: [ids[i]!], logits: "last" } as const;
    got.push(...await engine.step([row]));
  }
  // Logits are a few units large and hundreds of roundings deep, each 2⁻²⁴ of its value.
  got.forEach((values, i) =>
    assertClose(values, logits[nPrompt - 1 + i]!, { bound: 5e-5, label: `row ${nPrompt + i}` })
  );

  using pruned = await load({ ...options, prune });
  const other = pruned.loaded.engine;
  const at = other.cache.openSlot();
  await other.step([{ ...rows, slot: at }]);
  await other.compress(at);
  let compared = 0;
  (await keptChannelsOf(other, at)).forEach(({ heads }, layer) =>
    heads.forEach(({ keptChannels }, kvHead) => {
      const scores = thinkScores(layers[layer]!, kvHead, nPrompt);
      const width = scores.length / 2;
      const sorted = scores.toSorted((a, b) => b - a);
      // Where the cut falls between nearly equal scores, f32 may choose either.
      if (sorted[width - 1]! - sorted[width]! < 1e-5 * sorted[width]!) return;
      compared++;
      const what = `layer ${layer}, head ${kvHead}`;
      assertEquals(keptChannels, selectChannelsReference(scores, width), what);
    })
  );
  assert(compared > 0, "no cut was clear enough to compare");
}

const factors = Array.from({ length: 16 }, (_, i) => 1 + i / 4);

for (
  const [name, shape] of Object.entries({
    "one KV head per query head": { nHeads: 3, nKvHeads: 3, seed: 1 },
    "three query heads to a KV head": { nHeads: 6, nKvHeads: 2, seed: 2 },
    "four, and frequency factors": { nHeads: 4, nKvHeads: 1, seed: 3, ropeFactors: factors },
    "eight, and a head of its own": { nHeads: 8, nKvHeads: 1, seed: 4, ownHead: true },
  })
) {
  Deno.test(`logits and kept channels are an independent forward pass's: ${name}`, async () => {
    await check({ headDim: 32, ...shape }, 45, 3);
  });
}
