/**
 * What a prefill with the full cache leaves in a slot, as a copy that other plans' slots can be filled with:
 * rows as they are stored, and whatever the prefill recorded for scores. Filled so, a slot has the bits of a
 * prefill of its own. Rows that were compressed are no prefill's.
 */

import type { BufferRange, Device } from "../device/types.ts";
import { tileBytes, unitRows } from "../layout/bytes.ts";
import { pageCount, sideBytes } from "../layout/offset.ts";
import { PAGE_ROWS } from "../layout/types.ts";
import type { Segment } from "../layout/types.ts";
import type { CacheSegment } from "./cache_shape.ts";
import type { Engine } from "./engine.ts";
import { momentBytes } from "./plan_buffers.ts";
import { slotRanges } from "./query_rings.ts";

/** What of a plan decides what its prefill stores and records. */
export interface PrefillRecord {
  /** How new rows are stored, the keys' and the values', as JSON. */
  readonly rows: string;
  /** Places of the rings of last queries; none: nobody reads any. */
  readonly windows: readonly number[];
  /** Whether each row has its running sum. */
  readonly hasSums: boolean;
  /** First queries that the moments leave out; null: there are no moments. */
  readonly momentsSkip: number | null;
}

/** A slot's rows and statistics after a prefill, in host memory. */
export interface PrefillState {
  readonly record: PrefillRecord;
  readonly nTokens: number;
  /** Of each stream and head, page by page, the bytes of its rows and then, of values, their sums. */
  readonly pages: ReadonlyMap<string, readonly PageBytes[]>;
  /** Of each ring, by its places: f32 [nLayers, nHeads, places, headDim]. */
  readonly rings: ReadonlyMap<number, Float32Array>;
  readonly moments: Uint8Array | null;
}

interface PageBytes {
  readonly rows: Uint8Array;
  /** f32 [128]; empty: rows have none. */
  readonly sums: Uint8Array;
}

/** A segment without what is only the later rows' concern. */
const stored = ({ flush: _, ...segment }: Segment) => segment;

/** What an engine's prefill stores and records. */
export function prefillRecord({ plan: { inputs, buffers } }: Engine): PrefillRecord {
  const { layout } = inputs.cache.shape;
  const last = [layout.key, layout.value].map(({ segments }) => stored(segments.at(-1)!));
  return {
    rows: JSON.stringify(last),
    windows: [...buffers.rings.keys()],
    hasSums: layout.rowSums,
    momentsSkip: inputs.tokens?.moments?.skip ?? null,
  };
}

/** Whether a prefill that leaves `has` leaves all that one with `needs` would. */
export function serves(has: PrefillRecord, needs: PrefillRecord): boolean {
  const widest = Math.max(0, ...has.windows);
  return has.rows === needs.rows &&
    needs.windows.every((places) => places <= widest) &&
    (!needs.hasSums || has.hasSums) &&
    (needs.momentsSkip === null || needs.momentsSkip === has.momentsSkip);
}

const lastSegments = ({ cache }: Engine): CacheSegment[] =>
  cache.segments.filter(({ isLast }) => isLast);

const pagesKey = (stream: string, head: number) => `${stream} ${head}`;

/**
 * Ranges of a page that holds `nRows` rows, behind its start: rows, and their sums, which stand between positions
 * and rows.
 */
function pageParts(
  { cache: { shape: { headDim } } }: Engine,
  { segment, sides }: CacheSegment,
  nRows: number,
) {
  const units = Math.ceil(nRows / unitRows(segment));
  const positions = sideBytes({ ...sides, sums: false });
  const head = sideBytes(sides);
  return {
    rows: { offset: head, bytes: units * tileBytes(segment, { width: headDim }, headDim) },
    sums: { offset: positions, bytes: head - positions },
  };
}

/** How many of a slot's `nTokens` rows lie in its `p`-th page. */
const rowsInPage = (nTokens: number, p: number) => Math.min(PAGE_ROWS, nTokens - p * PAGE_ROWS);

/**
 * Bytes of pages of one arena. Pages that lie one behind the other are read together, since a read may cost a
 * wait for the device; what lies between others may have no memory.
 */
async function readPages(
  { device, cache }: Engine,
  pages: readonly BufferRange[],
): Promise<(range: BufferRange) => Uint8Array> {
  const runs: { offset: number; bytes: number }[] = [];
  for (const { offset, bytes } of pages.toSorted((a, b) => a.offset - b.offset)) {
    const last = runs.at(-1);
    if (last && last.offset + last.bytes === offset) last.bytes += bytes;
    else runs.push({ offset, bytes });
  }
  cache.sync();
  const read: { readonly offset: number; readonly data: Uint8Array }[] = [];
  for (const { offset, bytes } of runs) {
    read.push({ offset, data: await device.read(pages[0]!.buffer, offset, bytes) });
  }
  return ({ offset, bytes }) => {
    const run = read.findLast((one) => one.offset <= offset)!;
    return run.data.subarray(offset - run.offset, offset - run.offset + bytes);
  };
}

/** Copies what a prefill left in a slot. Nothing of it may be compressed yet. */
export async function takePrefill(engine: Engine, slot: number): Promise<PrefillState> {
  const { cache, device, plan } = engine;
  const { config } = plan.inputs;
  const { nLayers, nKvHeads } = cache.shape;
  const nTokens = cache.tokensOf(slot);
  const pages = new Map<string, PageBytes[]>();
  for (let layer = 0; layer < nLayers; layer++) {
    const list = lastSegments(engine).flatMap((segment) =>
      Array.from({ length: nKvHeads }, (_, kvHead) => {
        const head = layer * nKvHeads + kvHead;
        const entries = Array.from(
          { length: pageCount(nTokens) },
          (_, p) =>
            cache.table.pageAt(cache.table.entryIndex({ slot, head, entry: segment.page + p })),
        );
        return { segment, head, entries };
      })
    );
    const bytesAt = await readPages(engine, list.flatMap(({ entries }) => entries));
    for (const { segment, head, entries } of list) {
      const part = (page: BufferRange, { offset, bytes }: { offset: number; bytes: number }) =>
        bytesAt({ ...page, offset: page.offset + offset, bytes });
      pages.set(
        pagesKey(segment.stream, head),
        entries.map((page, p) => {
          const { rows, sums } = pageParts(engine, segment, rowsInPage(nTokens, p));
          return { rows: part(page, rows), sums: part(page, sums) };
        }),
      );
    }
  }
  const rings = new Map<number, Float32Array>();
  const ranges = slotRanges(plan.buffers.rings, slot, config);
  for (const [i, places] of [...plan.buffers.rings.keys()].entries()) {
    rings.set(places, new Float32Array((await readRange(device, ranges[i]!)).slice().buffer));
  }
  const { moments } = plan.buffers;
  const bytes = momentBytes(config);
  return {
    record: prefillRecord(engine),
    ...{ nTokens, pages, rings },
    moments: moments && await device.read(moments, slot * bytes, bytes),
  };
}

const readRange = (device: Device, { buffer, offset, bytes }: BufferRange) =>
  device.read(buffer, offset, bytes);

/**
 * Fills an empty slot as if it had prefilled what `state` holds.
 *
 * @throws {RangeError} that is not all that the engine's own prefill would leave
 */
export function putPrefill(engine: Engine, slot: number, state: PrefillState): void {
  const { cache, device } = engine;
  if (!serves(state.record, prefillRecord(engine)) || cache.tokensOf(slot) > 0) {
    throw new RangeError("Cannot fill a slot: the prefill recorded less than its plan reads");
  }
  const { nTokens, pages } = state;
  cache.reserveRows(slot, nTokens);
  engine.commitQueries(slot);
  const positions = Int32Array.from({ length: nTokens }, (_, i) => i);
  for (const segment of lastSegments(engine)) {
    for (let head = 0; head < cache.nHeadsPerSlot; head++) {
      for (const [p, page] of pages.get(pagesKey(segment.stream, head))!.entries()) {
        const index = cache.table.entryIndex({ slot, head, entry: segment.page + p });
        const { buffer, offset } = cache.table.pageAt(index);
        const { rows, sums } = pageParts(engine, segment, rowsInPage(nTokens, p));
        if (segment.sides.positions) {
          device.write(buffer, positions.subarray(p * PAGE_ROWS, (p + 1) * PAGE_ROWS), offset);
        }
        device.write(buffer, page.rows, offset + rows.offset);
        if (sums.bytes > 0) device.write(buffer, page.sums, offset + sums.offset);
      }
    }
  }
  putQueries(engine, slot, state);
  cache.advance(slot, nTokens);
}

/** Fills a slot's rings, each with the last queries of the widest one there is, and its moments. */
function putQueries({ device, plan }: Engine, slot: number, state: PrefillState): void {
  const { inputs: { config }, buffers } = plan;
  const { headDim, nLayers, nHeads } = config;
  const ranges = slotRanges(buffers.rings, slot, config);
  const widest = Math.max(0, ...state.rings.keys());
  const source = state.rings.get(widest);
  for (const [i, places] of [...buffers.rings.keys()].entries()) {
    const ring = new Float32Array(nLayers * nHeads * places * headDim);
    for (let head = 0; head < nLayers * nHeads; head++) {
      for (let p = Math.max(0, state.nTokens - places); p < state.nTokens; p++) {
        const from = (head * widest + p % widest) * headDim;
        const to = (head * places + p % places) * headDim;
        ring.set(source!.subarray(from, from + headDim), to);
      }
    }
    device.write(ranges[i]!.buffer, ring, ranges[i]!.offset);
  }
  const { moments } = buffers;
  if (moments) device.write(moments, state.moments!, slot * momentBytes(config));
}
