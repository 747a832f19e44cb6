/**
 * The keys a mask can let through, as an interval: derived from its comparisons that are linear in
 * keyPosition with coefficient ±1. The interval holds every visible key, and may hold masked ones; tiles
 * outside it need not be loaded. Assumes that sums of positions stay within i32.
 */

import { FuncBuilder } from "./builder.ts";
import { operandsOf, paramOf } from "./operands.ts";
import type { Func, OpName } from "./types.ts";

/** Inclusive bounds as i32 functions of the mask's parameters without the score and keyPosition. */
export interface KeyRange {
  /** null: no lower bound was found. */
  readonly lower: Func | null;
  /** null: no upper bound was found. */
  readonly upper: Func | null;
  /** Whether the mask lets every key of the interval through. */
  readonly exact: boolean;
}

/** A bound: a sum of nodes of the mask, or the larger or smaller of two bounds. */
type Bound =
  | { readonly kind: "sum"; readonly sum: Sum }
  | { readonly kind: "min" | "max"; readonly a: Bound; readonly b: Bound };

/** Σ sign · node + constant, without keyPosition. */
interface Sum {
  readonly terms: readonly { readonly id: number; readonly sign: 1 | -1 }[];
  readonly constant: number;
}

/** Inclusive; what is exact is a condition that all of these keys fulfil. */
interface Range {
  readonly lower: Bound | null;
  readonly upper: Bound | null;
  readonly exact: boolean;
}

/** `never` is a condition that no key fulfils. */
type Interval = "never" | Range;

const ALL: Range = { lower: null, upper: null, exact: true };
const ANY: Range = { ...ALL, exact: false };

/**
 * The interval of keys that a mask may let through.
 *
 * @param mask an attention's `mask` hook: parameter 0 is the score, `keyPosition` an i32 parameter
 */
export function keyRange(mask: Func): KeyRange {
  const key = mask.params.findIndex((p) => p.name === "keyPosition");
  const varying = varyingNodes(mask, new Set([0, key]));
  const interval = intervalOf(mask, mask.results[0]!, false, { key, varying });
  if (interval === "never") return { lower: null, upper: null, exact: false };
  const { lower, upper, exact } = interval;
  return {
    lower: lower && boundFunc(mask, "lower", lower, key),
    upper: upper && boundFunc(mask, "upper", upper, key),
    exact,
  };
}

/** What the analysis knows of the mask: the key's parameter, and the nodes that differ between keys. */
interface Facts {
  readonly key: number;
  readonly varying: readonly boolean[];
}

function varyingNodes(mask: Func, params: ReadonlySet<number>): boolean[] {
  const varying: boolean[] = [];
  for (const node of mask.nodes) {
    const param = paramOf(node);
    const own = param !== undefined && params.has(param);
    varying.push(own || operandsOf(node).some((id) => varying[id]));
  }
  return varying;
}

function intervalOf(mask: Func, id: number, negated: boolean, facts: Facts): Interval {
  const node = mask.nodes[id]!;
  if (node.kind === "const") return node.value === negated ? "never" : ALL;
  if (node.kind !== "op") return ANY;
  const of = (i: number, flip = false) => intervalOf(mask, node.args[i]!, negated !== flip, facts);
  switch (node.op) {
    case "lnot":
      return of(0, true);
    case "land":
      return negated ? either(of(0), of(1)) : both(of(0), of(1));
    case "lor":
      return negated ? both(of(0), of(1)) : either(of(0), of(1));
    case "select": {
      const test = (wanted: boolean) => intervalOf(mask, node.args[0]!, !wanted, facts);
      return either(both(test(true), of(1)), both(test(false), of(2)));
    }
    default: {
      const op = negated ? NEGATED[node.op] : node.op;
      return op === undefined ? ANY : compare(mask, op, node.args, facts);
    }
  }
}

const NEGATED: Readonly<Partial<Record<OpName, OpName>>> = {
  lt: "ge",
  le: "gt",
  gt: "le",
  ge: "lt",
  eq: "ne",
  ne: "eq",
};

const bound = (sum: Sum, add = 0): Bound => ({
  kind: "sum",
  sum: { ...sum, constant: sum.constant + add },
});

/** `a op b` as ±key + sum op 0, solved for the key. */
function compare(mask: Func, op: OpName, args: readonly number[], facts: Facts): Interval {
  const [a, b] = args.map((id) => linear(mask, id, facts));
  if (!a || !b || Math.abs(a.key - b.key) !== 1) return ANY;
  const sum = subtract(a.sum, b.sum);
  const isPositive = a.key - b.key === 1;
  // key + sum op 0 ⇔ key op −sum; −key + sum op 0 ⇔ sum op key.
  const limit = isPositive ? subtract({ terms: [], constant: 0 }, sum) : sum;
  const solved = isPositive ? op : MIRRORED[op];
  switch (solved) {
    case "lt":
      return { ...ALL, upper: bound(limit, -1) };
    case "le":
      return { ...ALL, upper: bound(limit) };
    case "gt":
      return { ...ALL, lower: bound(limit, 1) };
    case "ge":
      return { ...ALL, lower: bound(limit) };
    case "eq":
      return { lower: bound(limit), upper: bound(limit), exact: true };
    default:
      return ANY;
  }
}

const MIRRORED: Readonly<Partial<Record<OpName, OpName>>> = {
  lt: "gt",
  le: "ge",
  gt: "lt",
  ge: "le",
  eq: "eq",
};

/** An i32 node as key · keyPosition + sum; null when it is not linear. */
function linear(mask: Func, id: number, facts: Facts): { key: number; sum: Sum } | null {
  const node = mask.nodes[id]!;
  if (node.type !== "i32") return null;
  if (node.kind === "const") {
    return { key: 0, sum: { terms: [], constant: node.value as number } };
  }
  if (!facts.varying[id]) return { key: 0, sum: { terms: [{ id, sign: 1 }], constant: 0 } };
  if (node.kind === "param" && node.param === facts.key) {
    return { key: 1, sum: { terms: [], constant: 0 } };
  }
  if (node.kind !== "op") return null;
  const zero = { key: 0, sum: { terms: [], constant: 0 } };
  const [a, b] = node.args.map((arg) => linear(mask, arg, facts));
  if (node.op === "neg" && a) return difference(zero, a);
  if (!a || !b) return null;
  if (node.op === "sub") return difference(a, b);
  return node.op === "add" ? difference(a, difference(zero, b)) : null;
}

const difference = (a: { key: number; sum: Sum }, b: { key: number; sum: Sum }) => ({
  key: a.key - b.key,
  sum: subtract(a.sum, b.sum),
});

const subtract = (a: Sum, b: Sum): Sum => ({
  terms: [...a.terms, ...b.terms.map((t) => ({ id: t.id, sign: t.sign === 1 ? -1 : 1 } as const))],
  constant: a.constant - b.constant,
});

function both(a: Interval, b: Interval): Interval {
  if (a === "never" || b === "never") return "never";
  const tighter = (kind: "min" | "max", x: Bound | null, y: Bound | null): Bound | null =>
    x && y ? { kind, a: x, b: y } : x ?? y;
  return {
    lower: tighter("max", a.lower, b.lower),
    upper: tighter("min", a.upper, b.upper),
    exact: a.exact && b.exact,
  };
}

function either(a: Interval, b: Interval): Interval {
  if (a === "never") return b;
  if (b === "never") return a;
  const wider = (kind: "min" | "max", x: Bound | null, y: Bound | null): Bound | null =>
    x && y ? { kind, a: x, b: y } : null;
  // There may be keys between the two.
  return {
    lower: wider("min", a.lower, b.lower),
    upper: wider("max", a.upper, b.upper),
    exact: false,
  };
}

function boundFunc(mask: Func, name: string, value: Bound, key: number): Func {
  const builder = new FuncBuilder(name, mask.span);
  const params = mask.params.map((p, i) => i === 0 || i === key ? -1 : builder.param(p));
  const ids: number[] = [];
  const copy = (id: number): number => {
    const known = ids[id];
    if (known !== undefined) return known;
    const node = mask.nodes[id]!;
    operandsOf(node).forEach(copy);
    const renumbered = (p: number) =>
      node.kind === "param" ? builder.arg(params[p]!, node.span) : params[p]!;
    return ids[id] = builder.copy(node, ids, renumbered);
  };
  const constant = (n: number) => builder.constant(n | 0, "i32", mask.span);
  const build = (b: Bound): number => {
    if (b.kind !== "sum") return builder.op(b.kind, [build(b.a), build(b.b)], mask.span);
    // Positive terms first: `queryPosition − window + 1` needs no negation.
    const terms = b.sum.terms.toSorted((x, y) => y.sign - x.sign);
    let acc = terms[0]?.sign === 1 ? copy(terms.shift()!.id) : constant(b.sum.constant);
    const rest = terms.length < b.sum.terms.length ? b.sum.constant : 0;
    for (const { id, sign } of terms) {
      acc = builder.op(sign === 1 ? "add" : "sub", [acc, copy(id)], mask.span);
    }
    if (rest !== 0) {
      acc = builder.op(rest > 0 ? "add" : "sub", [acc, constant(Math.abs(rest))], mask.span);
    }
    return acc;
  };
  return builder.finish([build(value)]);
}
