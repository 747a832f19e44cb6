/**
 * Rows that became codes: each group's scale and minimum, then each code with the scale and the minimum that
 * were stored. Codes are whole numbers: one may be its neighbour only where rounding may take the value
 * over the middle between both, and such codes are counted, as are scales between two halves.
 */

import { encodeGroup } from "../reference/codes.ts";
import type { AffineCode } from "../reference/codes.ts";
import { rowOf } from "./state_rows.ts";
import type { CacheState } from "./cache_state.ts";
import { N_KV_HEADS } from "./cases.ts";
import type { Dimension, Measurement } from "./compare.ts";
import type { HeadMove } from "./moved_rows.ts";
import { HALF_ULP } from "./rounding.ts";
import { segmentsOf } from "./written_cache.ts";
import { readCodes } from "./written_rows.ts";

/** A difference is rounded once, a quotient up to five half units on the target that promises least. */
const QUOTIENT = 6 * HALF_ULP;

/** Numbers of one kind, as they are found. */
class Found {
  readonly got: number[] = [];
  readonly want: number[] = [];
  readonly bound: number[] = [];
  nearTies = 0;

  /** @param bound how far it may be off, which is then counted */
  add(got: number, want: number, bound: number): void {
    this.got.push(got);
    this.want.push(want);
    this.bound.push(bound);
    if (got !== want && Math.abs(got - want) <= bound) this.nearTies++;
  }

  measurement(kernel: string, name: string): Measurement {
    const dims: Dimension[] = [{ name, size: this.got.length }];
    const { got, want, bound, nearTies } = this;
    return { kernel, dims, got, want, bound, nearTies };
  }
}

/** Holds rows that were coded to codes by their definition. */
export function measureCodes(
  state: CacheState,
  next: CacheState,
  moves: readonly HeadMove[],
): Measurement[] {
  if (moves.length === 0) return [];
  const [scales, minima, codes] = [new Found(), new Found(), new Found()];
  for (const move of moves) {
    const code = segmentsOf(next.cache.layout)[move.to]!.code as AffineCode;
    for (const { values, elements, bits } of groupsOf(state, next, { ...move, code })) {
      const { scale, minimum } = encodeGroup(values, bits);
      const exact = exactScale(values, bits);
      const stored = elements[0]!;
      scales.add(stored.scale, scale, Math.max(...scalesOf(exact).map((s) => Math.abs(s - scale))));
      minima.add(stored.minimum, minimum, 0);
      values.forEach((x, i) => {
        const { want, bound } = codeOf(x, { ...stored, most: 2 ** bits - 1 });
        codes.add(elements[i]!.code, want, bound);
      });
    }
  }
  return [
    scales.measurement("encode rows", "scale of group"),
    minima.measurement("encode rows", "minimum of group"),
    codes.measurement("encode rows", "code"),
  ];
}

/** A group's scale before it is stored. */
export const exactScale = (values: readonly number[], bits: number): number =>
  (Math.max(...values) - Math.min(...values)) / (2 ** bits - 1);

/** What a scale may be stored as: of what f32 may be both ends' halves. */
export const scalesOf = (exact: number): number[] => [
  ...new Set([exact * (1 - QUOTIENT), exact * (1 + QUOTIENT)].map(Math.f16round)),
];

/** The code of a value, and whether rounding may make it a neighbour's: 1 or 0. */
export function codeOf(
  x: number,
  { scale, minimum, most }: {
    readonly scale: number;
    readonly minimum: number;
    readonly most: number;
  },
): { want: number; bound: number } {
  if (!(scale > 0)) return { want: 0, bound: 0 };
  const steps = (x - minimum) / scale;
  const nearest = (at: number) => Math.max(0, Math.min(most, Math.round(at)));
  const error = QUOTIENT * Math.abs(steps);
  const ends = [nearest(steps - error), nearest(steps + error)];
  // Halves go to the even code; so does what is one in f32.
  const below = Math.floor(steps);
  const isHalf = steps - below === 0.5;
  const want = isHalf ? nearest(below % 2 === 0 ? below : below + 1) : nearest(steps);
  return { want, bound: ends[0] === ends[1] ? 0 : 1 };
}

/** The groups of a move's rows that share a scale: what they were, what is stored of them, in how many bits. */
function groupsOf(
  state: CacheState,
  next: CacheState,
  { kvHead, from, to, before, rows, stored: { channels, high }, code }: HeadMove & {
    readonly code: AffineCode;
  },
) {
  const whole = { nKvHeads: N_KV_HEADS, kvHead, arena: next.cache.buffers.arena };
  const width = channels.length;
  const source = rows.map((row) => {
    const own = rowOf(state.cache, { kvHead, index: from, row, width: state.headDim });
    return channels.map((channel) => own[channel]!);
  });
  const at = { ...whole, index: to, width, ...(high === undefined ? {} : { high }) };
  const stored = source.map((_, i) => readCodes(next.cache, { ...at, row: before + i }));
  const isRows = code.along === "rows";
  const take = <T>(grid: readonly (readonly T[])[], o: number, first: number): T[] =>
    isRows
      ? grid.slice(first, first + code.group).map((row) => row[o]!)
      : grid[o]!.slice(first, first + code.group);
  const [outer, inner] = isRows ? [width, rows.length] : [rows.length, width];
  return Array.from(
    { length: outer },
    (_, o) =>
      Array.from({ length: Math.ceil(inner / code.group) }, (_, group) => ({
        values: take(source, o, group * code.group),
        elements: take(stored, o, group * code.group),
        bits: isRows && o >= (high ?? width) ? code.low! : code.bits,
      })),
  ).flat();
}
