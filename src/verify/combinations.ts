/**
 * Which combinations of several choices are tried: not all of them, but enough that every choice, or every
 * pair of choices, is met at least once. The same axes give the same list on every machine.
 */

/** What there is to choose from, by name. */
export type Axes = Readonly<Record<string, readonly unknown[]>>;

/** One choice of every axis. */
export type Combination<A extends Axes> = { readonly [K in keyof A]: A[K][number] };

/** 1: every choice is met. 2: every two choices of different axes are met together. */
export type Strength = 1 | 2;

/** Chosen places on the axes, in order; −1: not yet chosen. */
type Row = number[];

/**
 * Combinations of that strength.
 *
 * @example
 * ```ts
 * import { combinations } from "./combinations.ts";
 * const pairs = combinations({ a: [1, 2], b: ["x", "y"], c: [true, false] }, 2);
 * if (pairs.length !== 4) throw new Error("four rows hold every pair; eight would be all");
 * ```
 */
export function combinations<A extends Axes>(axes: A, strength: Strength): Combination<A>[] {
  const names = Object.keys(axes);
  const sizes = names.map((name) => axes[name]!.length);
  if (sizes.includes(0)) return [];
  const rows = strength === 1 ? eachChoice(sizes) : eachPair(sizes);
  return rows.map((row) =>
    Object.fromEntries(names.map((name, i) => [name, axes[name]![row[i]!]])) as Combination<A>
  );
}

const eachChoice = (sizes: readonly number[]): Row[] =>
  Array.from(
    { length: Math.max(...sizes) },
    (_, i) => sizes.map((size, axis) => (i + axis) % size),
  );

/** Greedy: every row begins with a pair that is still missing and takes in as many more as it can. */
function eachPair(sizes: readonly number[]): Row[] {
  const missing = new Set<string>();
  const key = (a: number, i: number, b: number, j: number) =>
    a < b ? `${a}.${i} ${b}.${j}` : `${b}.${j} ${a}.${i}`;
  sizes.forEach((size, a) => {
    for (let b = a + 1; b < sizes.length; b++) {
      for (let i = 0; i < size; i++) {
        for (let j = 0; j < sizes[b]!; j++) missing.add(key(a, i, b, j));
      }
    }
  });
  const uses = sizes.map((size) => new Array<number>(size).fill(0));
  const rows: Row[] = [];
  for (const first of missing) {
    const row: Row = sizes.map(() => -1);
    for (const choice of first.split(" ")) {
      const [axis, place] = choice.split(".").map(Number);
      row[axis!] = place!;
    }
    const gain = (axis: number, place: number) =>
      row.reduce((n, j, b) => n + (j >= 0 && missing.has(key(axis, place, b, j)) ? 1 : 0), 0);
    row.forEach((chosen, axis) => {
      if (chosen >= 0) return;
      const places = Array.from({ length: sizes[axis]! }, (_, place) => place);
      // Of equal gains the choice that was taken least.
      row[axis] = places.reduce((best, place) => {
        const more = gain(axis, place) - gain(axis, best);
        return more > 0 || (more === 0 && uses[axis]![place]! < uses[axis]![best]!) ? place : best;
      });
    });
    row.forEach((i, a) => {
      uses[a]![i]!++;
      row.forEach((j, b) => missing.delete(key(a, i, b, j)));
    });
    rows.push(row);
  }
  return rows;
}
