/** For tests of what the host does when rows are evicted: a cache on a fake device that counts rows as if chosen. */

import { layoutSteps } from "../dsl/layout_steps.ts";
import { pruning } from "../dsl/pruning.ts";
import { stepOf } from "../dsl/steps.ts";
import { tokens } from "../dsl/tokens.ts";
import { layoutOf } from "../layout/make.ts";
import { KvCache } from "./cache.ts";
import { compressLayer } from "./compress.ts";
import type { Plan } from "./plan.ts";
import { fakeDevice } from "./testing.ts";
import type { TokensPlan } from "./tokens_plan.ts";

/** Makes a cache, and what evicts rows of its slots. */
export function evicting({ budget, every, remove, least }: {
  readonly budget: number;
  readonly every: number;
  readonly remove?: number;
  /** Of a budget that scores lower; null: they do not. */
  readonly least: number | null;
}) {
  const [nLayers, nKvHeads, headDim] = [3, 2, 32];
  const device = fakeDevice();
  const definition = pruning({
    name: "test",
    steps: [tokens({
      score: (_row, { position }) => position,
      group: "mean",
      protect: { last: 5 },
      every,
      ...(remove === undefined ? { keep: budget } : { remove }),
    })],
  });
  const layout = layoutOf(layoutSteps(definition), { key: "f16", value: "f16" });
  const cache = new KvCache(device, { layout, nSlots: 1, nLayers, nKvHeads, headDim, nCtx: 4096 });
  const words = (n: number) => device.allocate(4 * n, "test");
  const perHead = (n: number) => words(nLayers * nKvHeads * n);
  const evict = { cuts: perHead(4), floor_cuts: perHead(4), kept_counts: perHead(2) };
  const plan: TokensPlan = {
    ...{ definition, step: stepOf(definition, "tokens")!.step, params: {}, tables: {} },
    dims: { nLayers, nHeads: 4, nKvHeads, headDim, nCtx: 4096 },
    ...{ window: 0, moments: null, first: 0, last: 5 },
    ...{ poolWidth: 1, poolsMax: true, every, floor: null },
    ...{ multiple: 1, blockRows: 1 },
    enough: least === null ? null : { kind: "mass", amount: 0.5, least },
    positions: "true",
  };
  const run = (drafts: { kernel: string; constants: { layer: number } }[]) => {
    const chosen = drafts.find(({ kernel }) => kernel === "select_rows");
    if (chosen) {
      const first = chosen.constants.layer * nKvHeads;
      const cuts = new Uint32Array(device.bytesOf(evict.cuts).buffer);
      const counts = Array.from({ length: nKvHeads }, (_, i) => {
        const [, rows, keep] = cuts.subarray(4 * (first + i));
        // Any count that scores may lower the budget to.
        const counted = least === null ? Infinity : Math.max(5, least, 31 * rows! % keep!);
        return [0, Math.min(rows!, keep!, counted)];
      });
      device.write(evict.kept_counts, Uint32Array.from(counts.flat()), 8 * first);
    }
    return Promise.resolve();
  };
  const compress = { src_pages: words(nKvHeads * cache.pageEntries) };
  const config = { nHeads: 4 };
  const engine = {
    inputs: {
      cache,
      config,
      tokens: plan,
      channels: null,
      valueChannels: null,
      bits: null,
      classes: null,
    },
    buffers: { rings: new Map(), evict, compress, evictTables: {} },
    run,
  } as unknown as Plan;
  const evictAll = async (slot: number) => {
    for (let layer = 0; layer < nLayers; layer++) {
      await compressLayer(device, engine, { slot, layer, nTokens: cache.tokensOf(slot) });
    }
  };
  return { cache, plan, evictAll, shape: { layout, nLayers, nKvHeads, headDim } };
}
