/**
 * The kernels of one layer's eviction, in order: what the score reads beside the rows, the score, pooling,
 * the choice, then the copy. Which of them run follows from what the step declares.
 */

import type { BufferSlice, DeviceBuffer } from "../device/types.ts";
import { layoutName } from "../layout/name.ts";
import type { KvCache } from "./cache.ts";
import { whole } from "./draft.ts";
import type { Draft } from "./draft.ts";
import { enoughDrafts } from "./enough_drafts.ts";
import type { LayerAt } from "./compress_drafts.ts";
import type { EvictBuffers, PlanBuffers } from "./plan_buffers.ts";
import type { PlanInputs } from "./plan_inputs.ts";
import { inKernelSpelling } from "./tables.ts";
import type { TokensPlan } from "./tokens_plan.ts";
import { wholeRows } from "./whole_rows.ts";

/** A layer at the end of a prefill. */
export interface EvictionAt extends LayerAt {
  /** Tokens seen, and the last of them whose queries score. */
  readonly nTokens: number;
  readonly nWindow: number;
  /** Rows of the layer's longest head. */
  readonly maxRows: number;
}

/** As much of a plan as drafts name. */
interface Place {
  readonly inputs: Pick<PlanInputs, "cache" | "config">;
  readonly buffers: PlanBuffers;
}

/** What kernels bind to walk whole rows alone, where the cache has coded segments beside them. */
function wholeNames(
  { cache, buffers }: { readonly cache: KvCache; readonly buffers: PlanBuffers },
) {
  const { segments, isPart } = wholeRows(cache);
  if (!isPart) return { buffers: {}, constants: {} };
  const constants = (["key", "value"] as const).flatMap((stream) =>
    segments.filter((segment) => segment.stream === stream)
      .map(({ page }, i): [string, number] => [`${stream}_page_${i}`, page])
  );
  return {
    buffers: { heads: whole(buffers.wholeHeads!) },
    constants: Object.fromEntries(constants),
  };
}

/** Scores a layer's rows and chooses those that stay. */
export function choiceDrafts(
  tokens: TokensPlan,
  { inputs: { cache, config }, buffers }: Place,
  at: EvictionAt,
): Draft[] {
  const { slot, layer, nTokens, nWindow, maxRows } = at;
  const { step, window, first, last, poolWidth, poolsMax, blockRows } = tokens;
  const { nKvHeads } = cache.shape;
  const { layout, segments } = wholeRows(cache);
  const name = layoutName(layout);
  const inBlocks = blockRows > 1;
  const scores = whole(inBlocks ? buffers.evict!.block_scores : buffers.evict!.token_scores);
  const ring = buffers.rings.get(window);
  const rows = wholeNames({ cache, buffers });
  const own = {
    buffers: {
      ...buffers.evictTables,
      ...rows.buffers,
      ...(ring ? { q_ring: ring } : {}),
      arena: whole(cache.table.arenas[layer]!),
    },
    constants: {
      ...inKernelSpelling(tokens.params),
      ...rows.constants,
      ...{ slot, layer, window, n_window: nWindow, n_tokens: nTokens, max_rows: maxRows },
      // Each segment may end in a tile of its own.
      n_tiles: Math.ceil(maxRows / 16) + layout.key.segments.length - 1,
    },
  };
  const sources = window > 0 ? config.nHeads : nKvHeads;
  const perKvHead = sources / nKvHeads;
  const spans = { protect_first: first, protect_last: last };
  return [
    ...(ring
      ? [{ kernel: `window_softmax__${name}`, label: `layer ${layer} · window`, ...own }]
      : []),
    ...(tokens.moments
      ? [
        {
          kernel: `expected_logits__${name}`,
          label: `layer ${layer} · expected logits`,
          buffers: own.buffers,
          constants: { ...own.constants, ...tokens.moments },
        },
        {
          kernel: "expected_sums",
          label: `layer ${layer} · their softmax`,
          constants: { ...own.constants, ...spans },
        },
      ]
      : []),
    ...(step.anchor
      ? [{ kernel: `key_anchors__${name}`, label: `layer ${layer} · anchors`, ...own }]
      : []),
    {
      kernel: `token_scores_${tokens.definition.name}__${name}`,
      label: `layer ${layer} · score rows`,
      ...own,
    },
    {
      kernel: "pool_scores",
      label: `layer ${layer} · pool scores`,
      constants: {
        ...{ layer, max_rows: maxRows, pool_width: poolWidth, ...spans },
        n_sources: step.scope === "layer" ? sources : perKvHead,
        source_step: step.scope === "layer" ? 0 : perKvHead,
        takes_max: step.group === "max" ? 1 : 0,
        pools_max: poolsMax ? 1 : 0,
      },
    },
    ...(inBlocks
      ? [{
        kernel: "block_scores",
        label: `layer ${layer} · score blocks`,
        buffers: { arena: own.buffers.arena },
        constants: {
          ...{ slot, layer, max_rows: maxRows, ...spans, block_rows: blockRows },
          value_page: segments.find(({ stream }) => stream === "value")!.page,
          takes_max: step.block?.kind === "max" ? 1 : 0,
        },
      }]
      : []),
    ...cutsOf(tokens, buffers.evict!).flatMap(({ what, cuts }) =>
      enoughDrafts(tokens.enough, {
        ...{ layer, what, cuts: whole(cuts), scores, firstList: 0, inBlocks },
        ...{ maxRows, first, last, multiple: tokens.multiple },
      })
    ),
    ...selectDrafts(tokens, { evict: buffers.evict!, token_scores: scores }, at),
  ];
}

/** The counts that are met: of each head, and where heads share them what each keeps by itself. */
const cutsOf = ({ floor }: TokensPlan, { cuts, floor_cuts }: EvictBuffers) => [
  { what: "rows", cuts },
  ...(floor === null ? [] : [{ what: "each head's own rows", cuts: floor_cuts }]),
];

/** The choice, of whole blocks; where heads share what they keep, after each has chosen its own. */
function selectDrafts(
  { floor, first, last, blockRows }: TokensPlan,
  { evict, token_scores }: { readonly evict: EvictBuffers; readonly token_scores: BufferSlice },
  { layer, maxRows }: EvictionAt,
): Draft[] {
  const constants = { layer, max_rows: maxRows, protect_first: first, protect_last: last };
  const select = (label: string, shares: number, cuts: DeviceBuffer): Draft[] => [
    {
      kernel: "select_rows",
      label: `layer ${layer} · ${label}`,
      buffers: { token_scores, cuts: whole(cuts) },
      constants: { ...constants, shares },
    },
    ...(blockRows > 1
      ? [{ kernel: "trim_blocks", label: `layer ${layer} · trim blocks`, constants }]
      : []),
  ];
  if (floor === null) return select("select rows", 0, evict.cuts);
  return [
    ...select("select each head's own rows", 0, evict.floor_cuts),
    {
      kernel: "raise_rows",
      label: `layer ${layer} · raise them`,
      buffers: { token_scores },
      constants,
    },
    ...select("select rows of all heads", 1, evict.cuts),
  ];
}

/** Moves a layer's kept rows, and what they carry, to the front of their pages; queries with them, where these turn. */
export function keepDrafts(
  { inputs: { cache }, buffers }: Place,
  { slot, layer, nTokens, maxRows }: EvictionAt,
): Draft[] {
  const rows = wholeNames({ cache, buffers });
  const { layout, segments } = wholeRows(cache);
  const arena = whole(cache.table.arenas[layer]!);
  const at = { slot, layer, max_rows: maxRows };
  const rings = layout.positions === "cache" ? [...buffers.rings] : [];
  return [
    ...rings.map(([window, q_ring]): Draft => ({
      kernel: "turn_queries",
      label: `layer ${layer} · turn queries`,
      buffers: { arena, q_ring },
      constants: {
        ...{ ...at, window, n_window: Math.min(window, nTokens), n_tokens: nTokens },
        value_page: segments.find(({ stream }) => stream === "value")!.page,
      },
    })),
    {
      kernel: `keep_rows__${layoutName(layout)}`,
      label: `layer ${layer} · keep rows`,
      buffers: { ...rows.buffers, arena },
      constants: { ...rows.constants, ...at },
    },
  ];
}
