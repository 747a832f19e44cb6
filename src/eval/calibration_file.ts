/** What `eval calibrate` writes: a budget file, and for readers of it where it comes from and what was measured. */

import type { BudgetFile } from "../engine/budget_file.ts";

/** A budget file with its measurements. */
export interface CalibrationFile extends BudgetFile {
  /** What was given a budget of its own. */
  readonly per: "layer" | "head";
  readonly commit: string;
  readonly machine: string;
  /** P and T: tokens compressed, and tokens fed behind them. */
  readonly nPrompt: number;
  readonly nFed: number;
  /** Names of the passages. */
  readonly passages: readonly string[];
  /** Counts at which units were measured, ascending. */
  readonly measuredCounts: readonly number[];
  /** [nLayers, or nLayers · nKvHeads][measuredCounts.length]: mean KL where one unit keeps so many, in nats. */
  readonly kl: readonly (readonly number[])[];
}
