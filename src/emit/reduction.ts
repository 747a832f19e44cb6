/**
 * A declared reduction as text for a template's loops: the lanes' partial results start at `init`, take
 * one element a turn, meet pairwise in `merge` in a fixed tree, and `finish` makes the value.
 */

import type { Reduction } from "../ir/types.ts";
import { emitValue } from "./emit_value.ts";
import { uniform, varying } from "./arguments.ts";
import type { Scope } from "./names.ts";
import { meetingOf } from "./target.ts";
import type { EmitTarget } from "./target.ts";

/** Names that the template uses around the reduction. */
export interface ReductionNames {
  /** The variable of the lanes' partial results. */
  readonly accumulator: string;
  /** The element of a turn. */
  readonly element: string;
  /** The number of elements, as an f32 expression. */
  readonly count: string;
  /** What the value is called. */
  readonly result: string;
}

/** A printed reduction. */
export interface EmittedReduction {
  readonly accumulator: string;
  /** The lanes' partial results as an array. */
  readonly partials: string;
  readonly result: string;
  readonly init: string;
  /** Statements of one turn, then the accumulator's new value. */
  readonly stepLines: string;
  readonly step: string;
  /** The value of lane `lane` and `lane + half` together. */
  readonly mergeLines: string;
  readonly merge: string;
  /** Statements that make `result` of lane 0. */
  readonly finishLines: string;
}

/** Prints `reduction` over the lanes of `target`. */
export function emitReduction(
  reduction: Reduction,
  names: ReductionNames,
  options: { readonly target: EmitTarget; readonly scope: Scope },
): EmittedReduction {
  const { accumulator, element, count, result } = names;
  const partials = options.target.partials(accumulator);
  const { own, other, whole } = meetingOf(options.target, accumulator);
  const step = emitValue(reduction.step, {
    ...options,
    form: "lanes",
    args: [varying(accumulator), varying(element)],
  });
  const merge = emitValue(reduction.merge, {
    ...options,
    form: "scalar",
    args: [varying(own), varying(other)],
  });
  const finish = emitValue(reduction.finish, {
    ...options,
    form: "scalar",
    args: [uniform(whole), uniform(count)],
    into: [result],
  });
  return {
    accumulator,
    partials,
    result: finish.value,
    init: options.target.literal(reduction.init, "f32").text,
    stepLines: step.lines,
    step: step.value,
    mergeLines: merge.lines,
    merge: merge.value,
    finishLines: finish.lines,
  };
}
