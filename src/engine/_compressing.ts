/**
 * For tests of what the host does when rows lose channels or become codes: a cache on a fake device, and as much of a
 * plan as compression reads. It runs no kernels.
 */

import { layoutOf } from "../layout/make.ts";
import type { CodesRule } from "../layout/steps.ts";
import { KvCache } from "./cache.ts";
import { compressLayer, flushLayer } from "./compress.ts";
import { moveTargets, streamSegments } from "./compress_drafts.ts";
import type { StreamName } from "./compress_drafts.ts";
import type { Plan } from "./plan.ts";
import { fakeDevice } from "./testing.ts";

const think = { name: "test", steps: [{ kind: "channels", of: "key" }] } as const;

/** Sizes and rules of a compressing cache. */
export interface Setup {
  readonly nLayers: number;
  readonly nKvHeads: number;
  readonly headDim: number;
  readonly recent: number;
  readonly widths: Uint32Array<ArrayBuffer>;
  readonly types?: { key: "f16" | "f32"; value: "f16" | "f32" };
  readonly codes?: readonly CodesRule[];
  /** Of coded rows those of the first class, where there are classes. */
  readonly share?: number;
  /** … and first rows that are never coded. */
  readonly first?: number;
  /** Of each head's width what scores say is enough. */
  readonly counts?: readonly number[] | null;
}

/** Makes a cache, and what compresses its slots. */
export function compressing(given: Setup) {
  const { nLayers, nKvHeads, headDim, recent, widths, types, codes = [], share, first = 0 } = given;
  const { counts = null } = given;
  const device = fakeDevice();
  const steps = { name: "test", steps: [...think.steps, ...codes] };
  const layout = layoutOf(steps, types ?? { key: "f16", value: "f16" });
  const cache = new KvCache(device, { layout, nSlots: 2, nLayers, nKvHeads, headDim, nCtx: 2048 });
  const buffer = (n: number) => device.allocate(4 * n, "test");
  const moves = (stream: StreamName) => {
    const segments = streamSegments(cache, stream);
    return segments && moveTargets(segments, classes).map(() => buffer(nLayers * nKvHeads * 4));
  };
  const classes = share === undefined
    ? null
    : { definition: think, params: {}, window: 32, share, first, group: "mean" };
  const ran: string[] = [];
  const channels = {
    of: "key" as const,
    definition: think,
    params: {},
    window: 32,
    recent,
    widths,
    ...{ perRow: false, multiple: 1 },
    enough: counts && { kind: "mass" as const, amount: 0.5, least: 1 },
    refreshes: false,
  };
  const cuts = buffer(nLayers * nKvHeads * 4);
  const plan = {
    inputs: {
      cache,
      channels,
      valueChannels: null,
      tokens: null,
      bits: null,
      classes,
      config: { nHeads: 4, nKvHeads },
    },
    buffers: {
      rings: new Map([[32, { buffer: buffer(1) }]]),
      compress: {
        src_pages: buffer(nKvHeads * cache.pageEntries),
        moves: { key: moves("key"), value: moves("value") },
      },
      evict: { cuts: buffer(nLayers * nKvHeads * 4) },
      classTables: {},
      prune: {
        key: {
          ...{ scores: buffer(1), widths: buffer(nLayers * nKvHeads), cuts },
          ...{ outputs: null, tables: {} },
        },
      },
    },
    run: (drafts: { kernel: string; constants: { layer: number } }[]) => {
      ran.push(...drafts.map(({ kernel }) => kernel));
      const counting = drafts.find(({ kernel }) => kernel === "count_mass");
      for (let i = 0; counting && i < nKvHeads; i++) {
        const head = counting.constants.layer * nKvHeads + i;
        const width = Math.min(widths[head]!, counts![head]!);
        device.write(cuts, Uint32Array.of(width), 16 * head + 8);
      }
      return Promise.resolve();
    },
  } as unknown as Plan;
  const compressOne = (slot: number, layer: number) =>
    compressLayer(device, plan, { slot, layer, nTokens: cache.tokensOf(slot) });
  const compress = async (slot: number) => {
    for (let layer = 0; layer < nLayers; layer++) await compressOne(slot, layer);
  };
  const flush = async (slot: number) => {
    const nTokens = cache.tokensOf(slot);
    for (let layer = 0; layer < nLayers; layer++) {
      await flushLayer(device, plan, { slot, layer, nTokens });
    }
  };
  return { device, cache, channels, classes, layout, ran, compress, compressOne, flush };
}

/** Codes of 4 bits in groups of 16, `rows` at once, of a prompt `unit`; `keep` times `rows` stay whole. */
export const codesOf = (of: StreamName, rows: number, keep: number, unit = rows): CodesRule => ({
  ...{ kind: "codes", of, flush: { rows, atRows: (keep + 1) * rows, unit } },
  code: { kind: "affine", bits: 4, along: of === "key" ? "rows" : "channels", group: 16 },
});

/** The same where the rows of low scores have 2 bits. */
export const classesOf = (rows: number, keep: number, unit = rows): CodesRule[] => {
  const value = codesOf("value", rows, keep, unit);
  return [codesOf("key", rows, keep, unit), { ...value, low: { ...value.code, bits: 2 } }];
};

/** As many channels for every head of every layer. */
export const uniform = (n: number, width: number) => new Uint32Array(n).fill(width);
