/** Parameters of a variant as a spec gives them: names and ranges are checked, defaults filled in. */

import { KerfError } from "../core/error.ts";
import { nearest } from "../core/nearest.ts";
import { resolveParams } from "../dsl/params.ts";
import type { ParamSpecs } from "../dsl/params.ts";
import { pathName } from "../dsl/table.ts";
import type { TableSpecs } from "../dsl/table.ts";
import type { SpecStep } from "./spec.ts";
import { isRange } from "./sweep.ts";

/**
 * Parameters of a step of a spec, defaults filled in.
 *
 * @throws {KerfError} exit code 2: unknown name, not a number, out of range
 */
export function paramsOf(
  step: SpecStep,
  { params, tables }: { readonly params: ParamSpecs; readonly tables: TableSpecs },
): Record<string, number> {
  const given: Record<string, number> = {};
  const files = new Set(Object.entries(tables).map(([name, table]) => pathName(name, table)));
  for (const [key, value] of Object.entries(step.values)) {
    if (files.has(key)) continue;
    const near = Object.hasOwn(params, key) ? undefined : nearest(key, Object.keys(params));
    if (near) {
      throw new KerfError(`Cannot set "${key}" of "${step.name}": it has no such parameter`, {
        hint: [`did you mean ${near}?`, `parameters: ${Object.keys(params).join(", ")}`],
        exitCode: 2,
      });
    }
    if (typeof value !== "number" && Object.hasOwn(params, key)) {
      throw new KerfError(`Cannot use ${key}=${value} for "${step.name}": it is not a number`, {
        hint: isRange(value)
          ? "a sweep stands for several specs: deno task bench --prune SPEC takes one"
          : `default: ${key}=${params[key]!.default}`,
        exitCode: 2,
      });
    }
    given[key] = Number(value);
  }
  return resolveParams(step.name, params, given);
}
