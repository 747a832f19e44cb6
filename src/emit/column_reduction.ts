/**
 * Reductions of columns as text for a template's loops, where a lane holds one row of keys or one channel
 * of queries: the step and the finish in lanes, the merges in scalars.
 */

import type { Func, Reduction } from "../ir/types.ts";
import { distinctReductions } from "./distinct_reductions.ts";
import type { DistinctReductions } from "./distinct_reductions.ts";
import { emitValue } from "./emit_value.ts";
import { readParams, uniform, varying } from "./arguments.ts";
import type { Argument } from "./arguments.ts";
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
  /** The total of channel `c` so far, of `totals`, and one chunk's value together. */
  readonly total_lines: string;
  readonly total: string;
  /** Statements that make `result` of `lanes`. */
  readonly finish_lines: string;
  /** Whether the finish reads how many elements there were. */
  readonly counts: boolean;
}

/** Each distinct reduction of each column of `func`. */
export const collectColumns = (
  func: Func,
  options: { readonly target: EmitTarget; readonly scope: Scope },
): DistinctReductions<ColumnReductionContext> =>
  distinctReductions(
    func,
    (reduction, param) => columnReduction(reduction, { ...options, query: param === 0 }),
  );

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
  const print = (func: Func, form: "scalar" | "lanes", args: Argument[], into: string[] = []) =>
    emitValue(func, { target, form, scope, args, into });
  const step = print(reduction.step, "lanes", [varying(lanes), varying("x")]);
  const { own, other, whole, total: totalOf } = meetingOf(target, lanes);
  const merge = print(reduction.merge, "scalar", [varying(own), varying(other)]);
  const total = print(reduction.merge, "scalar", [varying(totalOf(totals)), varying(whole)]);
  const count = uniform(query ? "query_count" : "key_count");
  const finish = print(reduction.finish, "lanes", [varying(lanes), count], [result]);
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
