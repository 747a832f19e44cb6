/**
 * What pruning must mean, whatever the kernels do: decoding over the compact cache equals dense decoding
 * with the dropped channels set to zero. On tiny models of every shape, through turns.
 */

import { assert, assertEquals } from "@std/assert";
import { load } from "kerf";
import type { Model } from "kerf";
import { streamSegments } from "../src/engine/compress_drafts.ts";
import { keptChannelsOf } from "../src/engine/mask.ts";
import { elementOffset } from "../src/layout/offset.ts";
import { PAGE_ROWS } from "../src/layout/types.ts";
import { testFolder } from "../src/model/testing_files.ts";
import { tinyModel } from "../src/model/testing.ts";
import { farthest } from "./_twins.ts";

const F32 = { key: "f32", value: "f32" } as const;
const RECENT = 16;

const tokens = (n: number, seed: number) =>
  Array.from({ length: n }, (_, i) => 3 + (Math.imul(i + 1, 7919 + seed * 104729) >>> 7) % 290);

/** Sets the channels a mask drops to zero in the first `nRows` dense keys of slot 0. */
async function zeroDropped(
  { loaded: { engine: { cache, device } } }: Model,
  options: { pruned: Model; nRows: number },
) {
  const { headDim: width, nKvHeads } = cache.shape;
  const layers = await keptChannelsOf(options.pruned.loaded.engine, 0);
  const { segment, page } = cache.segments[0]!;
  for (let head = 0; head < cache.nHeadsPerSlot; head++) {
    const kept = layers[Math.floor(head / nKvHeads)]!.heads[head % nKvHeads]!.keptChannels!;
    const dropped = Array.from({ length: width }, (_, c) => c).filter((c) => !kept.includes(c));
    for (let p = 0; p * PAGE_ROWS < options.nRows; p++) {
      const index = cache.table.entryIndex({ slot: 0, head, entry: page + p });
      const { buffer, offset, bytes } = cache.table.pageAt(index);
      const keys = new Float32Array(
        (await device.read(buffer, offset, bytes)).buffer as ArrayBuffer,
      );
      const end = Math.min(options.nRows, (p + 1) * PAGE_ROWS);
      for (let row = p * PAGE_ROWS; row < end; row++) {
        for (const channel of dropped) keys[elementOffset(segment, { row, channel, width })] = 0;
      }
      device.write(buffer, keys, offset);
    }
  }
}

interface Shape {
  readonly nHeads: number;
  readonly nKvHeads: number;
  readonly headDim: number;
  readonly turns: readonly number[];
  readonly ratio: number;
  /** In place of those the ratio gives, per layer and KV head. */
  readonly widths?: readonly number[];
}

/** Gives the heads of a loaded variant widths of their own, as a table would. */
function setWidths({ loaded: { engine: { device, plan } } }: Model, widths: readonly number[]) {
  plan.inputs.channels!.widths.set(widths);
  device.write(plan.buffers.prune.key!.widths, plan.inputs.channels!.widths);
}

async function checkOracle({ turns, ratio, widths, ...shape }: Shape) {
  await using folder = await testFolder();
  const file = tinyModel({ ...shape, nCtx: 1024, seed: turns[0]! });
  const model = await folder.write("tiny.gguf", file);
  const prune = `think:ratio=${ratio},window=16,recent=${RECENT}`;
  using pruned = await load({ model, prune, cacheTypes: F32, parallel: 1 });
  using dense = await load({ model, cacheTypes: F32, parallel: 1 });
  if (widths) setWidths(pruned, widths);
  const [a, b] = [pruned.loaded.engine, dense.loaded.engine];
  assertEquals([a.cache.openSlot(), b.cache.openSlot()], [0, 0]);
  const what = JSON.stringify({ ...shape, turns, ratio });
  let position = 0;
  for (const [turn, n] of turns.entries()) {
    const rows = { slot: 0, position, tokens: tokens(n, turn), logits: "last" } as const;
    const [[x], [y]] = [await a.step([rows]), await b.step([rows])];
    // Sums over fewer products round otherwise: logits of size 4 and sums of up to 1000 terms.
    assert(farthest(x!, y!) < 1e-4, `${what}: prefill of turn ${turn}: ${farthest(x!, y!)}`);
    position += n;
    await a.compress(0);
    await zeroDropped(dense, { pruned, nRows: position - RECENT });
    for (let head = 0; head < a.cache.nHeadsPerSlot; head++) {
      const { rows, width } = a.cache.sizeOf(
        { slot: 0, head },
        streamSegments(a.cache, "key")!.compressed[0]!.index,
      );
      assertEquals(rows, position - RECENT);
      if (widths) assertEquals(width, widths[head]);
    }
    for (let i = 0; i < 3; i++, position++) {
      const row = { slot: 0, position, tokens: [5 + i], logits: "last" } as const;
      const [[x], [y]] = [await a.step([row]), await b.step([row])];
      assert(farthest(x!, y!) < 1e-4, `${what}: decode of turn ${turn}: ${farthest(x!, y!)}`);
    }
  }
}

Deno.test("compact decoding equals dense decoding with dropped channels at zero", async () => {
  const gqa = [[3, 3], [6, 2], [4, 1], [8, 1]] as const;
  const turns = [[17, 1, 40], [290, 1], [127, 130, 5], [500, 31, 33]];
  for (const [i, [nHeads, nKvHeads]] of gqa.entries()) {
    // Two widths only: kernels are compiled for each.
    const headDim = [16, 64, 64, 16][i]!;
    const ratio = [0.4, 0.7, 0.3, 0.9][i]!;
    await checkOracle({ nHeads, nKvHeads, headDim, ratio, turns: turns[i]! });
  }
});

Deno.test("heads of one layer may keep different numbers of channels", async () => {
  const shape = { nHeads: 6, nKvHeads: 2, headDim: 64, ratio: 0.5 };
  await checkOracle({ ...shape, turns: [150, 40], widths: [1, 63, 40, 7] });
});
