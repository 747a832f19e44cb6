/**
 * Bits by row with the numbers of a spec, for a model: which share of a head's coded rows keeps more of them,
 * and how many queries score. The one place that says how many rows a class has; kernels get counts.
 */

import { KerfError } from "../core/error.ts";
import { amountOf } from "../dsl/accumulator.ts";
import { codesRule } from "../dsl/codes.ts";
import { rowBitsOf } from "../dsl/steps.ts";
import type { Pruning } from "../dsl/pruning.ts";
import type { RowBits } from "../dsl/row_bits.ts";
import type { ModelDims } from "../dsl/table.ts";
import { classUnit } from "../layout/row_classes.ts";
import type { RowSplit } from "../layout/row_classes.ts";
import type { Layout } from "../layout/types.ts";
import type { SpecStep } from "./spec.ts";
import { fillTables } from "./tables.ts";
import type { TableData } from "./tables.ts";
import { paramsOf } from "./variant_params.ts";

/** Bits by row with their numbers. */
export interface RowClassesPlan {
  readonly definition: Pruning;
  readonly params: Readonly<Record<string, number>>;
  readonly tables: TableData;
  /** Last queries whose weights the score reads; 0: none. */
  readonly window: number;
  /** Of a head's coded rows those that get more bits, 0 … 1. */
  readonly share: number;
  /** First rows that are never coded. */
  readonly first: number;
  readonly group: RowBits["group"];
}

/** How a layout's coded rows are split; null: they are in one segment. */
export const rowSplit = (
  classes: Pick<RowClassesPlan, "share"> | null,
  layout: Layout,
): RowSplit | null => classes && { share: classes.share, unit: classUnit(layout) };

/**
 * A variant's bits by row with the numbers of a spec's step; null: its coded rows are alike.
 *
 * @throws {KerfError} exit code 2: unknown parameter, out of range, a share that is none, or a window longer
 * than what stays whole
 */
export async function rowClassesPlan(
  definition: Pruning,
  spec: SpecStep,
  dims: ModelDims,
): Promise<RowClassesPlan | null> {
  const found = rowBitsOf(definition);
  if (found === null) return null;
  const { bits } = found;
  const params = paramsOf(spec, definition);
  const { values } = spec;
  const share = amountOf(bits.share, params);
  const window = bits.queries === null ? 0 : amountOf(bits.queries.rows, params);
  const refuse = (why: string, hint: string) => {
    throw new KerfError(`Cannot code rows by class with "${definition.name}": ${why}`, {
      hint,
      exitCode: 2,
    });
  };
  if (!(share >= 0 && share <= 1)) refuse(`${share} is no share of the rows`, "use 0 to 1");
  const step = definition.steps.find((step) => step.kind === "codes" && step.bits === bits)!;
  const { flush } = codesRule(
    definition.name,
    step as Extract<typeof step, { kind: "codes" }>,
    params,
  );
  const whole = flush.atRows - flush.rows;
  // Rows in classes have lost their order, which the window's own rows are told apart by.
  if (window > whole) {
    refuse(
      `a window of ${window} queries needs as many rows that stay whole, and ${whole} do`,
      `use a window of at most ${whole}, or a larger residual`,
    );
  }
  const tables = await fillTables(definition.name, definition.tables, { dims, values });
  const first = amountOf(bits.protect?.first ?? 0, params);
  return { definition, params, tables, window, share, first, group: bits.group };
}
