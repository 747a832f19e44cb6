/** The most bytes of pages while rows are decoded: rows are evicted or coded between the steps, or only come. */

import { PAGE_ROWS } from "../layout/types.ts";
import type { PageBytes } from "./forecast_pages.ts";
import {
  evictedRows,
  expandedRows,
  movedRows,
  recompressedRows,
  STREAMS,
  unmaskedRows,
} from "./forecast_rows.ts";
import type { StreamName } from "./compress_drafts.ts";
import type { ForecastShape, HeadRows } from "./forecast_rows.ts";
import { keptRows, leastRows } from "./row_budgets.ts";

/** The most rows that a head holds while decoding, and what an eviction then leaves; null: none comes. */
function decodedRows(
  shape: ForecastShape,
  head: number,
  { after, nDecode }: { readonly after: HeadRows; readonly nDecode: number },
): { readonly most: HeadRows; readonly kept: HeadRows | null } {
  const { nKvHeads, tokens } = shape;
  const every = tokens?.every ?? 0;
  const grown = (head: HeadRows, n: number) => ({ ...head, rows: head.rows + n });
  if (!tokens || every === 0 || nDecode < every) {
    return { most: grown(after, nDecode), kept: null };
  }
  const [layer, kvHead] = [Math.floor(head / nKvHeads), head % nKvHeads];
  let rows = after;
  let most = after;
  let kept: HeadRows | null = null;
  for (let left = nDecode; left > 0; left -= every) {
    const now = grown(rows, Math.min(left, every));
    const isMore = (stream: StreamName) => now.rows - now[stream] > most.rows - most[stream];
    if (now.rows > most.rows || STREAMS.some(isMore)) most = now;
    if (left < every) break;
    const of = { layer, kvHead, nRows: now.rows };
    const next = recompressedRows(shape, evictedRows(now, keptRows(tokens, of)));
    if (leastRows(tokens, of) < now.rows) kept = next;
    // From here on every eviction is the same.
    if (next.rows === rows.rows && STREAMS.every((s) => next[s] === rows[s])) break;
    rows = next;
  }
  return { most, kept };
}

/** The most bytes while `nDecode` rows are decoded and, every so many, rows evicted. */
export function evictingPeak(
  shape: ForecastShape,
  bytes: PageBytes,
  after: readonly (readonly HeadRows[])[],
  nDecode: number,
): number {
  const decoded = after.map((heads, layer) =>
    heads.map((rows, i) => {
      const head = layer * shape.nKvHeads + i;
      return { head, ...decodedRows(shape, head, { after: rows, nDecode }) };
    })
  );
  // Which rows stay in a list is not known: it may end in a page that the others would have filled.
  const lists = STREAMS.some((stream) => shape.layout[stream].segments.length > 1);
  const started = lists ? bytes.started : 0;
  const inLists = (stream: StreamName, { rows }: HeadRows) =>
    shape.layout[stream].segments.length > 1 ? rows : 0;
  const flushes = STREAMS.some((stream) => shape.layout[stream].segments.at(-1)!.flush !== null);
  const most = decoded.flat()
    .reduce((sum, { head, most }) => sum + bytes.head(head, most) + started, 0);
  // Rows leave in place, but what becomes whole for it is written anew, and again when it is pruned; what loses
  // channels between evictions, too.
  const beside = decoded.map((heads, layer) =>
    heads.reduce((sum, { head, most, kept }) => {
      const listed = { rows: most.rows, key: inLists("key", most), value: inLists("value", most) };
      const unmasked = unmaskedRows(shape, most);
      const pruned = movedRows(shape, layer, unmasked, { flushes: true });
      const flushed = bytes.moved(head, unmasked, pruned) + started;
      const anew = bytes.expanded(listed, unmaskedRows(shape, listed));
      const now = sum + (flushes ? flushed + anew : 0);
      const whole = kept && expandedRows(shape, kept);
      if (!whole || STREAMS.every((stream) => whole[stream] === kept[stream])) return now;
      return now + bytes.expanded(most, expandedRows(shape, most)) +
        bytes.moved(head, whole, kept) + started;
    }, 0)
  );
  return most + Math.max(...beside);
}

/**
 * The most bytes while `nDecode` rows are decoded. Between flushes bytes grow; from flush to flush they do
 * but for the places where pages end, and those come again after so many rows that flushes and pages divide
 * both: only the last such stretch is looked at.
 */
export function flushingPeak(
  shape: ForecastShape,
  bytes: PageBytes,
  after: readonly (readonly HeadRows[])[],
  nDecode: number,
): number {
  const { nKvHeads, layout } = shape;
  const units = STREAMS.map((stream) => layout[stream].segments.at(-1)!.flush?.rows ?? 1);
  const stretch = units.reduce(leastCommonMultiple, PAGE_ROWS);
  /** Rows once `n` are decoded, those moved that were due before the last of `seen`. */
  const at = (n: number, seen: number) =>
    after.map((heads, layer) =>
      heads.map((head) => {
        const { key, value } = seen > 0
          ? movedRows(shape, layer, { ...head, rows: head.rows + seen - 1 }, { flushes: true })
          : head;
        return { rows: head.rows + n, key, value };
      })
    );
  const total = (layers: readonly (readonly HeadRows[])[]) =>
    layers.flat().reduce((sum, rows, head) => sum + bytes.head(head, rows), 0);
  const isDue = (before: HeadRows, next: HeadRows) =>
    next.key > before.key || next.value > before.value;
  const last = at(nDecode, nDecode);
  let peak = total(last);
  if (!last.flat().some((rows, head) => isDue(after.flat()[head]!, rows))) return peak;
  for (let n = Math.max(1, nDecode - 2 * stretch); n < nDecode; n++) {
    // Row n + 1 comes: what is due of the n before moves first, layer by layer.
    const [before, next] = [at(n, n), at(n, n + 1)];
    const all = next.flat();
    if (!before.flat().some((rows, head) => isDue(rows, all[head]!))) continue;
    let now = total(before);
    before.forEach((heads, layer) => {
      const more = heads.map((rows, i) => {
        const head = layer * nKvHeads + i;
        const to = next[layer]![i]!;
        const whole = unmaskedRows(shape, rows);
        return {
          expanded: bytes.expanded(rows, whole),
          unmasked: bytes.head(head, whole) - bytes.head(head, rows),
          moved: bytes.moved(head, whole, to),
          pruned: bytes.head(head, to) - bytes.head(head, whole),
        };
      });
      const all = (of: keyof typeof more[number]) => more.reduce((sum, head) => sum + head[of], 0);
      peak = Math.max(peak, now + all("expanded"), now + all("unmasked") + all("moved"));
      now += all("unmasked") + all("pruned");
    });
  }
  return peak;
}

function leastCommonMultiple(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y > 0) [x, y] = [y, x % y];
  return a / x * b;
}
