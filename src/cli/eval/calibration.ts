/** From measurements to a budget file and to what is said about it. */

import { BUDGET_FORMAT } from "../../engine/budget_file.ts";
import { lossAt, mean } from "../../eval/mod.ts";
import type {
  BudgetPoint,
  CalibrationFile,
  EvalResult,
  HeadUnit,
  LossCurve,
  RunIdentity,
} from "../../eval/mod.ts";
import type { LlamaConfig } from "../../model/config.ts";
import { wholeCurve } from "./tunable.ts";
import type { Tunable } from "./tunable.ts";

/** Digits of a divergence in a file. */
const DIGITS = 4;

/** The mean KL of every point over passages, in the points' order. */
export const lossesOf = (
  points: readonly BudgetPoint[],
  results: ReadonlyMap<BudgetPoint, readonly EvalResult[]>,
): number[] =>
  points.map((point) =>
    mean(
      results.get(point)!.toSorted((a, b) => a.passage < b.passage ? -1 : 1)
        .map(({ values }) => values.find(({ metric }) => metric === "kl")!.value),
    )
  );

/** The curve of every unit. */
export const curvesOf = (
  units: readonly HeadUnit[],
  { points, losses, tunable }: {
    readonly points: readonly BudgetPoint[];
    readonly losses: readonly number[];
    readonly tunable: Tunable;
  },
): LossCurve[] =>
  units.map((unit) => {
    const own = points.flatMap((point, i) =>
      point.unit === unit ? [{ kept: point.kept, loss: losses[i]! }] : []
    );
    return wholeCurve(own, tunable);
  });

/** A budget that was shared out. */
export interface Shared {
  readonly tunable: Tunable;
  readonly per: "layer" | "head";
  readonly units: readonly HeadUnit[];
  /** Counts that were measured. */
  readonly levels: readonly number[];
  readonly curves: readonly LossCurve[];
  /** What each unit's heads keep. */
  readonly shares: readonly number[];
  /** KL where all heads keep the uniform count. */
  readonly together: number;
}

/** What a calibration was measured on. */
export interface Measured {
  readonly identity: RunIdentity;
  readonly nPrompt: number;
  readonly nFed: number;
  readonly passages: readonly string[];
}

/** What the file holds. */
export function calibrationFile(
  { tunable: { spec, value, counts, uniform }, per, units, levels, curves, shares }: Shared,
  { identity, ...measured }: Measured,
  { nLayers, nKvHeads }: Pick<LlamaConfig, "nLayers" | "nKvHeads">,
): CalibrationFile {
  const heads = new Uint32Array(nLayers * nKvHeads);
  units.forEach(({ heads: own }, i) => own.forEach((head) => heads[head] = shares[i]!));
  const kept = Array.from(
    { length: nLayers },
    (_, layer) => [...heads.slice(layer * nKvHeads, (layer + 1) * nKvHeads)],
  );
  const { model, modelSha256, commit, machine } = identity;
  return {
    format: BUDGET_FORMAT,
    ...{ model, modelSha256, spec, value, counts, uniform, kept },
    ...{ per, commit, machine, ...measured },
    measuredCounts: levels,
    kl: curves.map((curve) =>
      curve.slice(0, levels.length).map(({ loss }) => Number(loss.toPrecision(DIGITS)))
    ),
  };
}

/** What is said about it, a line each. */
export function calibrationSummary(
  { tunable: { spec, param, value, counts, uniform }, per, units, shares, curves, together }:
    Shared,
  output: string,
): string[] {
  const summed = (countOf: (unit: number) => number) =>
    curves.reduce((sum, curve, unit) => sum + lossAt(curve, countOf(unit)), 0).toFixed(DIGITS);
  const total = uniform * units.flatMap(({ heads }) => heads).length;
  const other = spec.replace(`${param}=${value}`, `${param}=${output}`);
  return [
    `${output}: ${Math.min(...shares)} to ${Math.max(...shares)} ${counts} a head, ` +
    `${total} in all as with ${param}=${value}`,
    `kl of ${per}s one by one, summed: ${summed(() => uniform)} at ${param}=${value}, ` +
    `${summed((unit) => shares[unit]!)} with the file; ` +
    `all together at ${param}=${value}: ${together.toFixed(DIGITS)}`,
    "on other text:",
    `  deno task eval --task kl --prune ${spec} --prune ${other}`,
  ];
}

/** JSON with a line for every field, and for every row of those that have rows. */
export function fileText(file: CalibrationFile): string {
  const text = (value: unknown): string => {
    if (!Array.isArray(value)) return JSON.stringify(value);
    const items = value.map(text);
    const hasRows = value.some(Array.isArray);
    return hasRows ? `[\n    ${items.join(",\n    ")}\n  ]` : `[${items.join(", ")}]`;
  };
  const lines = Object.entries(file).map(([name, value]) => `  "${name}": ${text(value)}`);
  return `{\n${lines.join(",\n")}\n}\n`;
}
