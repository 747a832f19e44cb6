/**
 * Reductions of columns that run along a loop while a lane holds one row: a row's channels, or the weights
 * that a window gives it. A lane takes its elements in order, so nothing meets across lanes.
 */

import type { Func, Reduction } from "../ir/types.ts";
import { distinctReductions } from "./distinct_reductions.ts";
import type { DistinctReductions } from "./distinct_reductions.ts";
import { emitValue } from "./emit_value.ts";
import { readParams, uniform, varying } from "./arguments.ts";
import type { Argument } from "./arguments.ts";
import type { Scope } from "./names.ts";
import type { EmitTarget } from "./target.ts";

/** One reduction as text for a template's loop. */
export interface RowReductionContext {
  /** The variable of the lanes' partial results, and of the finished lanes. */
  readonly lanes: string;
  readonly result: string;
  readonly init: string;
  /** `lanes` after one more element `x`. */
  readonly step_lines: string;
  readonly step: string;
  /** Statements that make `result` of `lanes`. */
  readonly finish_lines: string;
  /** Whether the finish reads how many elements there were. */
  readonly counts: boolean;
}

/**
 * Each distinct reduction of each column, once.
 *
 * @param columns by parameter: what the column is called, and its number of elements as an f32 expression
 */
export function collectRows(
  func: Func,
  { target, scope, columns }: {
    readonly target: EmitTarget;
    readonly scope: Scope;
    readonly columns: Readonly<Record<number, { readonly name: string; readonly count: string }>>;
  },
): DistinctReductions<RowReductionContext> {
  return distinctReductions(
    func,
    (reduction, param) => rowReduction(reduction, { target, scope, column: columns[param]! }),
  );
}

function rowReduction(
  reduction: Reduction,
  { target, scope, column }: {
    readonly target: EmitTarget;
    readonly scope: Scope;
    readonly column: { readonly name: string; readonly count: string };
  },
): RowReductionContext {
  const result = scope.unique(`${reduction.name}_${column.name}`);
  const lanes = scope.unique(`${result}_lanes`);
  const print = (func: Func, args: Argument[], into: string[] = []) =>
    emitValue(func, { target, form: "lanes", scope, args, into });
  const step = print(reduction.step, [varying(lanes), varying("x")]);
  const finish = print(reduction.finish, [varying(lanes), uniform(column.count)], [result]);
  return {
    lanes,
    result: finish.value,
    init: target.literal(reduction.init, "f32").text,
    step_lines: step.lines,
    step: step.value,
    finish_lines: finish.lines,
    counts: readParams(reduction.finish).has(1),
  };
}
