/**
 * An attention spec made definite for a model: the definition's parameters and tables.
 */

import { KerfError } from "../core/error.ts";
import type { Attention } from "../dsl/attention.ts";
import type { ModelDims } from "../dsl/table.ts";
import { paramsOf } from "./variant_params.ts";
import { loadDefinition } from "./registry.ts";
import { formatSpec, parseSpec } from "./spec.ts";
import { fillTables } from "./tables.ts";
import type { TableData } from "./tables.ts";

/** An attention variant with its numbers. */
export interface AttentionPlan {
  /** The spec in its shortest form. */
  readonly spec: string;
  /** As the kernels are named. */
  readonly name: string;
  readonly params: Readonly<Record<string, number>>;
  readonly tables: TableData;
}

/**
 * Loads and resolves an attention spec: one step, `causal` or `sliding_window:window=1024`.
 *
 * @throws {KerfError} exit code 2: not one step, unknown variant or parameter
 */
export async function attentionPlan(spec: string, dims: ModelDims): Promise<AttentionPlan> {
  const steps = parseSpec(spec);
  const [step] = steps;
  if (!step || steps.length > 1) {
    throw new KerfError(`Cannot use "${spec}" as attention: it must be one variant`, {
      hint: "--attention causal",
      exitCode: 2,
    });
  }
  const definition = await loadDefinition<Attention>("attention", step.name);
  if (definition.kind !== "attention") {
    throw new KerfError(`Cannot attend with "${step.name}": it declares a ${definition.kind}`, {
      where: `kernels/attention/${step.name}.ts`,
      hint: "export default attention({ … })",
    });
  }
  const params = paramsOf(step, definition);
  const tables = await fillTables(step.name, definition.tables, { dims, values: step.values });
  return { spec: formatSpec(steps), name: definition.name, params, tables };
}
