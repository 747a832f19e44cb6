/** From measurements to a budget file and to what is said about it. */

import { BUDGET_FORMAT } from "../../engine/budget_file.ts";
import type { BudgetFile } from "../../engine/budget_file.ts";
import { lossAt, mean } from "../../eval/mod.ts";
import type { BudgetPoint, EvalResult, HeadUnit, LossCurve, RunIdentity } from "../../eval/mod.ts";
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

/** The file, and what is said about it. */
export function calibrationText(
  shared: Shared,
  { measured, config, output }: {
    readonly measured: Measured;
    readonly config: Pick<LlamaConfig, "nLayers" | "nKvHeads">;
    readonly output: string;
  },
): { readonly file: string; readonly summary: string } {
  const { tunable: { spec, param, value, counts, uniform }, per, units, shares, curves } = shared;
  const { nLayers, nKvHeads } = config;
  const heads = new Uint32Array(nLayers * nKvHeads);
  units.forEach(({ heads: own }, i) => own.forEach((head) => heads[head] = shares[i]!));
  const kept = Array.from(
    { length: nLayers },
    (_, layer) => [...heads.slice(layer * nKvHeads, (layer + 1) * nKvHeads)],
  );
  const { model, modelSha256, commit, machine } = measured.identity;
  const read: BudgetFile = {
    format: BUDGET_FORMAT,
    ...{ model, modelSha256, spec, value, counts, uniform, kept },
  };
  const file = {
    ...read,
    per,
    ...{ commit, machine, nPrompt: measured.nPrompt, nFed: measured.nFed },
    passages: measured.passages,
    measuredCounts: shared.levels,
    kl: curves.map((curve) =>
      curve.slice(0, shared.levels.length).map(({ loss }) => Number(loss.toPrecision(DIGITS)))
    ),
  };
  const summed = (countOf: (unit: number) => number) =>
    curves.reduce((sum, curve, unit) => sum + lossAt(curve, countOf(unit)), 0).toFixed(DIGITS);
  const total = uniform * nLayers * nKvHeads;
  const other = spec.replace(`${param}=${value}`, `${param}=${output}`);
  return {
    file: fileText(file),
    summary: [
      `${output}: ${Math.min(...shares)} to ${Math.max(...shares)} ${counts} a head, ` +
      `${total} in all as with ${param}=${value}`,
      `kl of ${per}s one by one, summed: ${summed(() => uniform)} at ${param}=${value}, ` +
      `${summed((unit) => shares[unit]!)} with the file; ` +
      `all together at ${param}=${value}: ${shared.together.toFixed(DIGITS)}`,
      "on other text:",
      `  deno task eval --task kl --prune ${spec} --prune ${other}`,
      "",
    ].join("\n"),
  };
}

/** JSON with a line for every field, and for every row of those that have rows. */
function fileText(file: Readonly<Record<string, unknown>>): string {
  const text = (value: unknown): string => {
    if (!Array.isArray(value)) return JSON.stringify(value);
    const items = value.map(text);
    const hasRows = value.some(Array.isArray);
    return hasRows ? `[\n    ${items.join(",\n    ")}\n  ]` : `[${items.join(", ")}]`;
  };
  const lines = Object.entries(file).map(([name, value]) => `  "${name}": ${text(value)}`);
  return `{\n${lines.join(",\n")}\n}\n`;
}
