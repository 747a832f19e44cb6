/**
 * The amounts of a step: each field that holds a number, or names one, and what it counts. What may be declared,
 * and what a spec may make of it, is checked by this one list.
 */

import type { Amount, Derived } from "./accumulator.ts";
import { enoughKind } from "./enough.ts";
import type { PruningStep } from "./pruning.ts";
import { momentsOf } from "./tokens.ts";

const isCount = (x: number, least: number): boolean => Number.isInteger(x) && x >= least;

/** What an amount counts: in words, and whether a number is one. */
export const AMOUNT_KINDS = {
  share: { words: "a share from 0 to 1", holds: (x: number) => x >= 0 && x <= 1 },
  /** Of rows or channels that stay; the one kind that may name a table. */
  budget: { words: "a whole number of at least 0", holds: (x: number) => isCount(x, 0) },
  rows: { words: "a whole number of at least 0", holds: (x: number) => isCount(x, 0) },
  count: { words: "a whole number of at least 1", holds: (x: number) => isCount(x, 1) },
  number: { words: "a number", holds: Number.isFinite },
} as const;

/** One amount of a step; without it the field is absent. */
export type StepAmount = readonly [
  field: string,
  amount: Amount | Derived | undefined,
  kind: keyof typeof AMOUNT_KINDS,
];

/**
 * Every amount of a step. A budget that is a function runs when the step does and is none; bits, groups and units
 * are any numbers here, since `codesRule` knows which of them kernels read.
 */
export function stepAmounts(step: PruningStep): StepAmount[] {
  if (step.kind === "basis") return [["if", step.if, "number"]];
  if (step.kind === "codes") {
    const { along } = step;
    return [
      ...bitsAmounts(step.bits),
      ["along.channelsIf", typeof along === "object" ? along.channelsIf : undefined, "number"],
      ["group", step.group, "number"],
      ["residual", step.residual, "rows"],
      ["unit", step.unit, "number"],
      ["every", step.every, "number"],
      ["keep", step.keep, "number"],
      ["if", step.if, "number"],
    ];
  }
  const { enough, keep } = step;
  const limit = enough && enoughKind(enough);
  const own: StepAmount[] = [
    ["window", step.queries?.rows, "count"],
    ["remove", step.remove, "share"],
    ["keep", typeof keep === "function" ? undefined : keep, "budget"],
    ["protect.last", step.protect?.last, "rows"],
    ["multiple", step.multiple, "count"],
    [`enough.${limit?.kind}`, limit?.amount, limit?.kind === "atLeast" ? "number" : "share"],
    ["enough.least", enough?.least, "rows"],
    ["every", step.every, "rows"],
  ];
  if (step.kind === "channels") return [...own, ["refresh", step.refresh, "number"]];
  const { pool, positions } = step;
  const moments = momentsOf(step);
  return [
    ...own,
    ["protect.first", step.protect?.first, "rows"],
    ["pool.width", pool?.width, "count"],
    ["pool.kind.meanIf", typeof pool?.kind === "object" ? pool.kind.meanIf : undefined, "number"],
    ["block.rows", step.block?.rows, "count"],
    ["share.floor", step.share?.floor, "share"],
    ["statistics.skip", moments?.skip, "rows"],
    ["statistics.ahead", moments?.ahead, "count"],
    [
      "positions.cacheIf",
      typeof positions === "object" ? positions.cacheIf : undefined,
      "number",
    ],
  ];
}

function bitsAmounts(bits: Extract<PruningStep, { kind: "codes" }>["bits"]): StepAmount[] {
  if (typeof bits !== "object") return [["bits", bits, "number"]];
  const window: StepAmount = ["bits.window", bits.queries?.rows, "count"];
  if (bits.kind === "byRow") {
    return [
      ["bits.high", bits.high, "number"],
      ["bits.low", bits.low, "number"],
      ["bits.share", bits.share, "share"],
      ["bits.protect.first", bits.protect?.first, "rows"],
      window,
    ];
  }
  const { rows } = bits;
  return [
    ["bits.average", bits.average, "number"],
    ["bits.rows.scoreIf", typeof rows === "object" ? rows.scoreIf : undefined, "number"],
    window,
  ];
}
