/**
 * Which layouts make sense: a table of rules, each with its reason and what to change. A layout that
 * passes can be allocated, appended to and drawn; whether a target has kernels for it is that target's
 * to say.
 */

import { KerfError } from "../core/error.ts";
import { compressedUnit } from "./becomes_whole.ts";
import { segmentName } from "./name.ts";
import { isTurned, PAGE_ROWS } from "./types.ts";
import type { Layout, Segment, Stream } from "./types.ts";

interface Rule {
  readonly broken: (segment: Segment, index: number, stream: Stream) => boolean;
  readonly why: string;
  readonly hint: string;
}

const isLast = (index: number, stream: Stream) => index === stream.segments.length - 1;
const sharesRows = (s: Segment) => s.code.kind === "affine" && s.code.along === "rows";
const group = (s: Segment) => s.code.kind === "affine" ? s.code.group : 1;

const listsChannels = (s: Segment | undefined) =>
  s?.channels === "list" || s?.channels === "bitmap";

const RULES: readonly Rule[] = [
  {
    broken: (s) => s.channels === "bitmap" && s.tile !== 1,
    why: "a set of channels per row leaves no channel-major tile",
    hint: "use tile 1 with channels: bitmap",
  },
  {
    broken: (s) => s.channels === "bitmap" && s.code.kind !== "f16",
    why: "rows that have channels of their own are stored as f16",
    hint: 'use code: { kind: "f16" } with channels: bitmap',
  },
  {
    broken: (s, i, stream) => s.flush !== null && stream.segments[i - 1]?.channels === "bitmap",
    why: "rows that have channels of their own are not coded",
    hint: "prune channels per head where rows are coded",
  },
  {
    broken: (s) =>
      s.channels === "none" && !(s.code.kind === "f16" && s.fill === "mean" && s.tile === 1),
    why: "rows that store nothing read as their mean, whatever their code",
    hint: 'use code: { kind: "f16" }, fill: "mean" and tile 1 with channels: none',
  },
  {
    broken: (s, i) => s.channels === "none" && i === 0,
    why: "nothing is left of the rows that store most",
    hint: "put a segment that stores its rows before it",
  },
  {
    broken: (s) => s.channels === "all" && s.fill !== "zero",
    why: "a segment that stores every channel has none to fill",
    hint: "use fill: zero with channels: all",
  },
  {
    broken: (s) => !(group(s) >= 1) || !Number.isInteger(group(s)),
    why: "scales are shared by a positive whole number of values",
    hint: "use a group such as 32 or 64",
  },
  {
    broken: (s) => sharesRows(s) && (PAGE_ROWS % group(s) !== 0 || group(s) % s.tile !== 0),
    why: `rows that share a scale must fill whole tiles and divide a page of ${PAGE_ROWS} rows`,
    hint: "use a group of 16, 32, 64 or 128 rows, at least the tile",
  },
  {
    broken: (s) =>
      s.code.kind === "affine" && s.code.low !== undefined &&
      !(s.code.low < s.code.bits && sharesRows(s) && s.channels === "list" && s.fill === "mean"),
    why: "channels of two classes stand in a list, share scales along rows and leave others a mean",
    hint: 'use channels: "list", fill: "mean" and a code with along: "rows" and low < bits',
  },
  {
    broken: (s, i, stream) =>
      isLast(i, stream) && (s.channels !== "all" || s.code.kind === "affine"),
    why: "new rows go to the last segment as they are, with every channel",
    hint: "end the stream with a full f16 or f32 segment",
  },
  {
    broken: (s, i) => s.flush !== null && i === 0,
    why: "there is no earlier segment to flush into",
    hint: "put a segment before it or set flush to null",
  },
  {
    broken: (s, i, stream) =>
      s.flush !== null && i > 0 &&
      [s.flush.rows, s.flush.unit ?? 0].some((n) =>
        n % compressedUnit(stream.segments[i - 1]!) > 0
      ),
    why: "a flush must fill whole groups of the segment before it, and whole tiles of codes",
    hint: "flush a multiple of that segment's group, or of its tile where it codes along channels",
  },
  {
    broken: (s) => s.flush !== null && !(s.flush.rows >= 1 && s.flush.rows <= s.flush.atRows),
    why: "a flush moves at least one row and no more than there are",
    hint: "set 1 ≤ flush.rows ≤ flush.atRows",
  },
  {
    broken: (s, _, stream) => (s.basis === "orthogonal") !== isTurned(stream),
    why: "rows move between segments as they are, and a stream has one basis",
    hint: "give every segment of the stream the basis of its last",
  },
  {
    broken: (s) => s.channels === "list" && s.basis !== "identity",
    why: "a channel list counts the model's own channels",
    hint: "keep basis: identity where channels are listed",
  },
  {
    // Coded lists stand for classes of rows, which share one list.
    broken: (s, i, stream) =>
      listsChannels(s) && listsChannels(stream.segments[i - 1]) && s.code.kind !== "affine",
    why: "two steps cut the same axis, and a head has one channel list",
    hint: "give the variant one channels() step per stream",
  },
];

/**
 * The layout itself when it is legal.
 *
 * @param owner the variant that made it, for messages
 * @throws {KerfError} a rule is broken; the message names stream, segment and reason
 */
export function checkLayout(layout: Layout, owner?: string): Layout {
  for (const [name, stream] of [["key", layout.key], ["value", layout.value]] as const) {
    if (stream.segments.length === 0) {
      throw new KerfError(`Cannot lay out the ${name} stream: it has no segment`, {
        hint: "give it at least one full segment",
      });
    }
    stream.segments.forEach((segment, index) => {
      const rule = RULES.find((r) => r.broken(segment, index, stream));
      if (rule === undefined) return;
      const of = owner === undefined ? "" : ` of "${owner}"`;
      throw new KerfError(
        `Cannot lay out segment ${index} (${segmentName(segment)}) of the ${name} stream${of}: ` +
          rule.why,
        { hint: rule.hint },
      );
    });
  }
  return layout;
}
