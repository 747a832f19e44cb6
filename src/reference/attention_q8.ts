/**
 * Attention as kernels of 8-bit activations compute it: what meets codes is rounded to bytes, and what rounding took
 * counts as if it had met the codes' centre; halves and what meets them are rounded to bf16. In f64 but for that
 * rounding, which turns on the last bit. Rows that are read as they are are those of {@linkcode attentionReference}.
 */

import { roundHalfEven } from "../ir/value.ts";
import { CHUNK_ROWS } from "../layout/types.ts";
import { attentionReference, softmaxReference } from "./attention.ts";
import type { AttentionQuery } from "./attention.ts";
import { roundFactor, roundToBf16, unsureFactor } from "./bf16.ts";
import type { CodedElement } from "./codes.ts";

/** A stored element of a coded row. */
export interface CodedPlace extends CodedElement {
  readonly channel: number;
  readonly bits: number;
}

/** How a row is read: its stored elements where it is coded, as halves, or null: as it is. */
export type RowCodes = readonly CodedPlace[] | "halves" | null;

/** What a query sees of rows of which some are codes or halves. */
export interface AttentionQ8Query extends AttentionQuery {
  /** Per key. */
  readonly keyCodes: readonly RowCodes[];
  /** Per value. */
  readonly valueCodes: readonly RowCodes[];
  /** Stored channels of a key that share a scale; null: each has one that other rows share. */
  readonly keyGroup: number | null;
  /** Channels of a value that share a scale. */
  readonly valueGroup: number;
  /** Rows where a segment of keys begins: chunks are cut from there. */
  readonly keyStarts: readonly number[];
  /** Whether a page of values begins at a row. */
  readonly beginsPage: (row: number) => boolean;
  /** How far off, relatively, a weight may be against the largest of its chunk before it is rounded. */
  readonly weightError: number;
}

/** The output row, and how far what may be rounded either way can take it: f64 [headDim]. */
export interface AttentionQ8Answer {
  readonly out: Float64Array;
  readonly ties: Float64Array;
}

/** A factor as a byte. */
interface Rounded {
  /** What rounding took: the factor less quantum · byte. */
  readonly taken: number;
  /** What one byte more would take. */
  readonly quantum: number;
  /** How far the nearest tie is, as a share of the factor. */
  readonly tie: number;
}

/** Factors that are rounded together: the largest in size becomes 127 or −127, ties go to the even byte. */
function roundToBytes(factors: readonly number[]): Rounded[] {
  const largest = Math.fround(factors.reduce((most, x) => Math.max(most, Math.abs(x)), 0));
  const quantum = Math.fround(largest / 127);
  const factor = largest < 2 ** -120 ? 0 : Math.fround(127 / largest);
  return factors.map((x) => {
    const scaled = Math.fround(x * factor);
    const byte = roundHalfEven(scaled);
    return {
      taken: x - quantum * byte,
      quantum,
      tie: Math.abs(scaled - Math.floor(scaled) - 0.5) / Math.abs(scaled),
    };
  });
}

/** A code's distance from the mean of all. */
const fromCentre = ({ code, bits }: CodedPlace) => code - (2 ** bits - 1) / 2;

/**
 * What rounding takes from q · k of a coded key. Where scales are its channels', they meet queries before these are
 * rounded, classes of bits apart; where they are its own, a group's queries are rounded for all keys.
 */
function takenFromLogit(
  q: ArrayLike<number>,
  key: readonly CodedPlace[],
  keyGroup: number | null,
): number {
  let sum = 0;
  for (let first = 0; keyGroup !== null && first < key.length; first += keyGroup) {
    const places = key.slice(first, first + keyGroup);
    roundToBytes(places.map(({ channel }) => Math.fround(q[channel]!)))
      .forEach(({ taken }, i) => sum += taken * places[i]!.scale * fromCentre(places[i]!));
  }
  if (keyGroup !== null) return sum;
  for (const bits of new Set(key.map((element) => element.bits))) {
    const places = key.filter((element) => element.bits === bits);
    const rounded = roundToBytes(
      places.map(({ channel, scale }) => Math.fround(q[channel]! * scale)),
    );
    places.forEach((place, i) => sum += rounded[i]!.taken * fromCentre(place));
  }
  return sum;
}

/** What rounding takes from q · k of a key of halves. */
function takenFromHalves(q: ArrayLike<number>, key: ArrayLike<number>): number {
  let sum = 0;
  for (let c = 0; c < q.length; c++) {
    sum += q[c]! * key[c]! - roundFactor(q[c]!) * roundToBf16(key[c]!);
  }
  return sum;
}

/**
 * The output of one query.
 *
 * @example
 * ```ts
 * import { attentionQ8Reference } from "./mod.ts";
 * const rows = { keys: [[1]], values: [[2]], keyCodes: [null], valueCodes: [null] };
 * const [score, mask] = [(x: unknown) => [x as number], () => [true]];
 * const cuts = { keyGroup: null, valueGroup: 32, keyStarts: [0], beginsPage: (row: number) => row === 0 };
 * const given = { q: [1], scale: 1, context: {}, weightError: 0, score, mask };
 * const { out } = attentionQ8Reference({ ...given, ...rows, ...cuts });
 * if (out[0] !== 2) throw new Error("a whole row is what it was");
 * ```
 */
export function attentionQ8Reference(query: AttentionQ8Query): AttentionQ8Answer {
  const { q, keys, values, keyCodes, valueCodes, keyGroup, valueGroup, weightError } = query;
  // One channel more, which every query meets with 1, holds what rounding took.
  const takenFrom = (key: ArrayLike<number>, codes: RowCodes) => {
    if (codes === null) return 0;
    return codes === "halves" ? takenFromHalves(q, key) : takenFromLogit(q, codes, keyGroup);
  };
  const taken = (
    key: ArrayLike<number>,
    i: number,
  ) => [...Array.from(key), -takenFrom(key, keyCodes[i]!)];
  const rounded = { ...query, q: [...Array.from(q), 1], keys: keys.map(taken) };
  const out = attentionReference({ ...rounded, values: values.map((v) => [...Array.from(v), 0]) })
    .slice(0, -1);
  const ties = new Float64Array(out.length);
  const { weights } = softmaxReference(rounded);
  for (const { rows, chunk } of runsOf(query)) {
    const largest = weights.slice(chunk.first, chunk.end).reduce((a, b) => Math.max(a, b), 0);
    if (largest === 0) continue;
    if (valueCodes[rows[0]!] === "halves") {
      rows.filter((row) => weights[row]! > 0).forEach((row) => {
        const { rounded, step, tie } = unsureFactor(weights[row]! / largest);
        for (let c = 0; c < out.length; c++) {
          const half = roundToBf16(values[row]![c]!);
          out[c]! += largest * rounded * half - weights[row]! * values[row]![c]!;
          if (tie < weightError) ties[c]! += largest * step * Math.abs(half);
        }
      });
      continue;
    }
    for (let first = 0; first < out.length; first += valueGroup) {
      const places = rows.map((row) =>
        (valueCodes[row] as readonly CodedPlace[]).filter(({ channel }) =>
          channel >= first && channel < first + valueGroup
        )
      );
      const factors = rows.map((row, i) => weights[row]! / largest * places[i]![0]!.scale);
      roundToBytes(factors).forEach(({ taken, quantum, tie }, i) => {
        const flips = tie < weightError ? quantum : 0;
        for (const place of places[i]!) {
          out[place.channel]! -= largest * taken * fromCentre(place);
          ties[place.channel]! += largest * flips * Math.abs(fromCentre(place));
        }
      });
    }
  }
  return { out, ties };
}

/** Values that are rounded together, coded ones: of one chunk, one page and one segment; their rows, and their chunk. */
function runsOf({ keys, keyCodes, valueCodes, keyStarts, beginsPage }: AttentionQ8Query) {
  const runs: { rows: number[]; chunk: { first: number; end: number } }[] = [];
  const chunkOf = (row: number) => {
    const i = keyStarts.findLastIndex((start) => start <= row);
    const first = row - (row - keyStarts[i]!) % CHUNK_ROWS;
    return { first, end: Math.min(first + CHUNK_ROWS, keyStarts[i + 1] ?? keyCodes.length) };
  };
  keys.forEach((_, row) => {
    if (valueCodes[row] === null) return;
    const chunk = chunkOf(row);
    const last = runs.at(-1);
    // A segment begins a page.
    if (last?.chunk.first === chunk.first && !beginsPage(row)) last.rows.push(row);
    else runs.push({ rows: [row], chunk });
  });
  return runs;
}
