/** Parameters of a variant as constants of an invocation. */

import type { Constant } from "../core/signature.ts";
import type { ParamSpecs } from "../dsl/params.ts";
import { snakeCase } from "./names.ts";

/** One constant per parameter, in declaration order: f32, or i32 for whole numbers. */
export function paramConstants(params: ParamSpecs): Constant[] {
  return Object.entries(params).map(([name, spec]) => ({
    name: snakeCase(name),
    dtype: spec.integer ? "i32" : "f32",
    ...(spec.doc === undefined ? {} : { doc: spec.doc }),
  }));
}
