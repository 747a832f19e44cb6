/**
 * Older rows of one layer of a slot move to the compressed segments of their streams, losing channels or
 * becoming codes on the way: their order, new pages, the move, the old pages freed. Which rows those are is
 * layer_moves.ts's.
 */

import type { Device } from "../device/types.ts";
import { channelsWord } from "../layout/bytes.ts";
import type { StoredChannels } from "../layout/bytes.ts";
import type { TakenPage } from "./block_table.ts";
import type { CacheSegment, HeadAt } from "./cache_shape.ts";
import { chooseBits, haveBits } from "./choose_bits.ts";
import { listLength, orderDrafts } from "./class_drafts.ts";
import { moveDrafts, moveTargets } from "./compress_drafts.ts";
import type { LayerAt } from "./compress_drafts.ts";
import { fitPages, takePages } from "./fit_pages.ts";
import { layerMoves } from "./layer_moves.ts";
import type { HeadMove, MoveOptions, StreamMove } from "./layer_moves.ts";
import type { Plan } from "./plan.ts";
import { cutOf } from "./prune_layer.ts";

/** Moves a layer's older rows. @returns whether there were any */
export async function moveLayer(
  device: Device,
  plan: Plan,
  at: LayerAt & { readonly nTokens: number },
  options: MoveOptions,
): Promise<boolean> {
  const moves = layerMoves(plan, at, options);
  if (moves.length === 0) return false;
  await orderRows(device, plan, at, moves[0]!);
  const keys = moves.find(({ stream }) => stream === "key");
  const { cache, classes } = plan.inputs;
  const listRows = (nDue: number) => classes ? listLength(nDue, classes.first) : nDue;
  if (keys) {
    const hasBits = options.hasBits ?? haveBits(plan, at);
    const due = keys.heads.map(({ segments }, i) =>
      segments.map(({ from, to }) => hasBits[i] ? 0 : to - from)
    );
    await chooseBits(device, plan, { ...at, due, maxRows: listRows(mostMoved(keys.heads)) });
  }
  const { headDim, nKvHeads } = cache.shape;
  const first = { slot: at.slot, head: at.layer * nKvHeads };
  const { src_pages } = plan.buffers.compress!;
  device.write(src_pages, cache.table.entriesOf({ ...first, nHeads: nKvHeads }));
  const old = moves.flatMap((move) => replacePages(device, plan, move));
  cache.sync();
  const drafts = moves.flatMap(({ stream, heads, compressed }) => {
    const coded = listRows(mostMoved(heads));
    const whole = heads.filter((head) => head.moved > 0).map((head) => head.full - head.moved);
    const maxRows = [...compressed.map(() => coded), Math.max(...whole), classes?.first ?? 0];
    return moveDrafts(plan.buffers, cache, { ...at, stream, maxRows });
  });
  await plan.run(drafts);
  for (const page of old) cache.table.release(page);
  for (const { compressed, full, heads } of moves) {
    for (const { at, moved, ...head } of heads.filter(({ moved }) => moved > 0)) {
      compressed.forEach((segment, i) =>
        cache.setSize(at, segment.index, {
          rows: head.segments[i]!.to,
          ...storedChannels(plan, at, segment),
        })
      );
      cache.setSize(at, full.index, { rows: head.full - moved, width: headDim });
    }
  }
  return true;
}

/** The channels that a compressed segment stores of a head. */
function storedChannels(
  { inputs }: Plan,
  at: HeadAt,
  { segment, index, stream }: CacheSegment,
): StoredChannels {
  const { cache } = inputs;
  if (segment.channels === "all") return { width: cache.shape.headDim };
  if (segment.channels === "none") return { width: 0 };
  const cut = cutOf(inputs, stream);
  if (cut && !cut.enough) return { width: cut.widths[at.head]! };
  const { rows: _, ...stored } = cache.sizeOf(at, index);
  return stored;
}

const mostMoved = (heads: readonly HeadMove[]) => Math.max(...heads.map(({ moved }) => moved));

/** Where rows are in classes: chooses which of a layer's due rows go to the first one. */
async function orderRows(
  device: Device,
  plan: Plan,
  at: LayerAt & { readonly nTokens: number },
  { heads }: StreamMove,
): Promise<void> {
  const { classes, cache } = plan.inputs;
  if (!classes) return;
  const { first } = classes;
  cache.sync();
  const cuts = heads.flatMap((
    { moved, segments: [high] },
  ) => moved > 0 ? [0, first + moved, first + high!.to - high!.from, 0] : [0, 0, 0, 0]);
  device.write(plan.buffers.evict!.cuts, Uint32Array.from(cuts), 16 * heads[0]!.at.head);
  const maxRows = listLength(mostMoved(heads), first);
  await plan.run(orderDrafts(classes, plan, { ...at, maxRows }));
}

/** Pages for the rows' new places, the list of moves, and the pages that held them. */
function replacePages(device: Device, plan: Plan, move: StreamMove): TakenPage[] {
  const { cache, classes } = plan.inputs;
  const { headDim } = cache.shape;
  const { stream, compressed, full, heads } = move;
  const old: TakenPage[] = [];
  const nFirst = classes?.first ?? 0;
  const lists = moveTargets(move, classes).map(() => new Uint32Array(4 * heads.length));
  heads.forEach((head, i) => {
    if (head.moved === 0) return;
    const { at, moved } = head;
    let first = 0;
    old.push(...takePages(cache, { at, segment: full, rows: head.full }));
    compressed.forEach((segment, c) => {
      const { from, to } = head.segments[c]!;
      const stored = storedChannels(plan, at, segment);
      fitPages(cache, { at, segment, from, to, ...stored });
      lists[c]!.set([first, from, to - from, channelsWord(stored)], 4 * i);
      first += to - from;
    });
    fitPages(cache, { at, segment: full, width: headDim, from: 0, to: head.full - moved });
    const rest = [nFirst + moved, nFirst, head.full - nFirst - moved, headDim];
    lists[compressed.length]!.set(rest, 4 * i);
    lists[compressed.length + 1]?.set([0, 0, nFirst, headDim], 4 * i);
  });
  const buffers = plan.buffers.compress!.moves[stream]!;
  const offset = 16 * heads[0]!.at.head;
  lists.forEach((data, i) => device.write(buffers[i]!, data, offset));
  return old;
}
