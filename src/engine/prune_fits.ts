/**
 * What variants that may stand together still need numbers for: those of their tables, and the model's. Each that
 * does not fit is refused with a spec that does.
 */

import { KerfError } from "../core/error.ts";
import { amountOf } from "../dsl/accumulator.ts";
import type { Accumulator, RowRing } from "../dsl/accumulator.ts";
import type { MemberStep } from "../dsl/members.ts";
import type { PruningStep } from "../dsl/pruning.ts";
import type { LoadedMember } from "./prune_clashes.ts";
import { formatSpec } from "./spec.ts";
import type { SpecStep } from "./spec.ts";

/** A step of a spec. */
export type OwnedStep = MemberStep<LoadedMember>;

/** @throws {KerfError} exit code 2: a stream is to be turned, and its heads have no power of two of channels */
export function checkTurnedHeads(steps: readonly OwnedStep[], headDim: number): void {
  if (Number.isInteger(Math.log2(headDim))) return;
  for (const { own, member: { typed } } of steps) {
    if (own.kind !== "basis") continue;
    const all = steps.filter((step) => step.member.typed === typed);
    const off = all.flatMap(({ own }) => own.kind === "basis" ? [own.if] : []);
    const values = { ...typed.values, ...Object.fromEntries(off.map((name) => [name, 0])) };
    const isParam = off.every((name) => typeof name === "string");
    throw new KerfError(
      `Cannot turn ${own.of}s with "${typed.name}": a Hadamard basis has a power of two of ` +
        `channels, and the model's heads have ${headDim}`,
      {
        hint: `--prune ${isParam ? formatSpec([{ ...typed, values }]) : "none"}`,
        exitCode: 2,
      },
    );
  }
}

/** The last queries that a step's score reads; null: none. */
function queriesOf(own: PruningStep): Accumulator<RowRing> | null {
  if (own.kind === "basis") return null;
  if (own.kind !== "codes") return own.queries;
  return typeof own.bits === "object" ? own.bits.queries : null;
}

/** @throws {KerfError} exit code 2: scores read the last queries in more numbers than an append records */
export function checkWindows(owned: readonly OwnedStep[], steps: readonly SpecStep[]): void {
  const windowed = owned.flatMap(({ own, member: { params, typed } }) => {
    const param = queriesOf(own)?.rows;
    return param === undefined ? [] : [{ typed, param, window: amountOf(param, params) }];
  }).filter(({ window }) => window > 0);
  const windows = [...new Set(windowed.map(({ window }) => window))];
  if (windows.length <= 2) return;
  // The last number that parameters alone set becomes one of the others.
  const isSet = (own: number) =>
    windowed.every(({ window, param }) => window !== own || typeof param === "string");
  const odd = windows.findLast(isSet);
  const other = windows.findLast((window) => window !== odd)!;
  const fits = steps.map((step) => {
    const own = windowed.find(({ typed, window }) => typed === step && window === odd);
    return own ? { ...step, values: { ...step.values, [own.param]: other } } : step;
  });
  const names = [...new Set(windowed.map(({ typed }) => typed))].map(({ name }) => `"${name}"`);
  throw new KerfError(
    `Cannot combine ${names.slice(0, -1).join(", ")} and ${
      names.at(-1)
    }: their scores read the last ` +
      `${windows.join(", ")} queries, and a step records them in two numbers at most`,
    { hint: `--prune ${formatSpec(fits)}`, exitCode: 2 },
  );
}
