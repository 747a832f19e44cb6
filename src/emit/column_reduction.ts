/**
 * Reductions of columns as text for a template's loops, where a lane holds one row of keys or one channel
 * of queries: the step and the finish in lanes, the merges in scalars. A reduction that is used twice is
 * computed once.
 */

import type { Func, Reduction } from "../ir/types.ts";
import { emitFunc, readParams, uniform, varying } from "./func.ts";
import type { Argument } from "./func.ts";
import { markedText } from "./lines.ts";
import type { CodeLine } from "./lines.ts";
import type { Scope } from "./names.ts";
import { meetingOf } from "./target.ts";
import type { EmitTarget } from "./target.ts";

/** One reduction of a column, as text for the template's loops. */
export interface ColumnReductionContext {
  /** Names of the lanes' partial results, of the values of all channels, and of the finished lanes. */
  readonly lanes: string;
  /** The partial results as an array, where lanes share memory. */
  readonly partials: string;
  readonly totals: string;
  readonly result: string;
  readonly init: string;
  /** `lanes` after one more element `x`. */
  readonly step_lines: string;
  readonly step: string;
  /** Lanes `lane` and `lane + half` together. */
  readonly merge_lines: string;
  readonly merge: string;
  /** The total so far, `totals[c]`, and one chunk's value, lane 0, together. */
  readonly total_lines: string;
  readonly total: string;
  /** Statements that make `result` of `lanes`. */
  readonly finish_lines: string;
  /** Whether the finish reads how many elements there were. */
  readonly counts: boolean;
}

/** What tells a column's reductions apart. */
export const columnKey = (reduction: Reduction, param: number) => `${reduction.name} of ${param}`;

/** Each distinct reduction of each column, once. */
export function collectColumns(
  func: Func,
  options: { readonly target: EmitTarget; readonly scope: Scope },
): Map<string, { readonly param: number; readonly context: ColumnReductionContext }> {
  const columns = new Map<string, { param: number; context: ColumnReductionContext }>();
  for (const node of func.nodes) {
    if (node.kind !== "reduce") continue;
    const key = columnKey(node.reduction, node.param);
    if (columns.has(key)) continue;
    const context = columnReduction(node.reduction, { ...options, query: node.param === 0 });
    columns.set(key, { param: node.param, context });
  }
  return columns;
}

function columnReduction(
  reduction: Reduction,
  { target, scope, query }: {
    readonly target: EmitTarget;
    readonly scope: Scope;
    readonly query: boolean;
  },
): ColumnReductionContext {
  const result = scope.unique(`${reduction.name}_${query ? "q" : "k"}`);
  const lanes = scope.unique(`${result}_lanes`);
  const totals = scope.unique(`${result}_totals`);
  const print = (func: Func, form: "scalar" | "lanes", args: Argument[], into?: string) => {
    const printed = emitFunc(func, {
      target,
      form,
      scope,
      args,
      ...(into ? { into: [into] } : {}),
    });
    const lines: CodeLine[] = [...printed.uniform, ...printed.lines];
    return { lines: markedText(lines), value: printed.results[0]! };
  };
  const step = print(reduction.step, "lanes", [varying(lanes), varying("x")]);
  const { own, other, whole } = meetingOf(target, lanes);
  const merge = print(reduction.merge, "scalar", [varying(own), varying(other)]);
  const total = print(reduction.merge, "scalar", [varying(`${totals}[c]`), varying(whole)]);
  const count = uniform(query ? "query_count" : "key_count");
  const finish = print(reduction.finish, "lanes", [varying(lanes), count], result);
  return {
    lanes,
    partials: target.partials(lanes),
    totals,
    result: finish.value,
    init: target.literal(reduction.init, "f32").text,
    step_lines: step.lines,
    step: step.value,
    merge_lines: merge.lines,
    merge: merge.value,
    total_lines: total.lines,
    total: total.value,
    finish_lines: finish.lines,
    counts: readParams(reduction.finish).has(1),
  };
}
