/**
 * A pruning spec made definite for a model: which definitions, with which numbers, and how many channels
 * every head keeps. Reads declared data only; a variant's name never decides anything.
 */

import { KerfError } from "../core/error.ts";
import { nearest } from "../core/nearest.ts";
import { resolveParams } from "../dsl/params.ts";
import type { ParamSpecs } from "../dsl/params.ts";
import { amountOf } from "../dsl/pruning.ts";
import type { ChannelsStep, Pruning } from "../dsl/pruning.ts";
import type { ModelDims, TableSpecs } from "../dsl/table.ts";
import { loadDefinition } from "./registry.ts";
import { formatSpec, parseSpec } from "./spec.ts";
import { isRange } from "./sweep.ts";
import type { SpecStep } from "./spec.ts";
import { fillTables } from "./tables.ts";
import type { TableData } from "./tables.ts";

/** One channels step with its numbers. */
export interface ChannelsPlan {
  readonly definition: Pruning;
  readonly params: Readonly<Record<string, number>>;
  readonly tables: TableData;
  /** Last queries that score. */
  readonly window: number;
  /** Last rows that keep every channel. */
  readonly recent: number;
  /** u32 [nLayers, nKvHeads]: channels kept. */
  readonly widths: Uint32Array<ArrayBuffer>;
}

/** Everything a pruning spec means for a model; `channels` is null when nothing is pruned. */
export interface PrunePlan {
  /** The spec in its shortest form. */
  readonly spec: string;
  readonly channels: ChannelsPlan | null;
}

/**
 * Removed counts are floors of products such as 0.29 · 100, which a double puts just below 29: less than
 * this above a whole number counts as that number.
 */
const FLOOR_SLACK = 1e-9;

/** Channels kept by a share removed: headDim − floor(remove · headDim), up to a multiple, at most headDim. */
export function keptChannels(
  amount: { readonly remove: number } | { readonly keep: number },
  options: { readonly headDim: number; readonly multiple: number },
): number {
  const { headDim, multiple } = options;
  const kept = "keep" in amount
    ? amount.keep
    : headDim - Math.floor(amount.remove * headDim + FLOOR_SLACK);
  return Math.min(headDim, Math.ceil(kept / multiple) * multiple);
}

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
  for (const [key, value] of Object.entries(step.values)) {
    if (tables[key]?.file !== undefined) continue;
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

/**
 * A variant's channels step with the numbers of a spec's step.
 *
 * @throws {KerfError} exit code 2: unknown parameter, out of range, a head would keep no channel
 */
export async function channelsPlan(
  definition: Pruning,
  spec: SpecStep,
  dims: ModelDims,
): Promise<ChannelsPlan> {
  const step: ChannelsStep = definition.steps[0]!;
  const params = paramsOf(spec, definition);
  const { values } = spec;
  const tables = await fillTables(definition.name, definition.tables, { dims, values });
  const multiple = amountOf(step.multiple ?? 1, params);
  const { headDim, nLayers, nKvHeads } = dims;
  const table = typeof step.keep === "string" ? tables[step.keep] : undefined;
  const widths = Uint32Array.from({ length: nLayers * nKvHeads }, (_, i) => {
    const amount = step.remove === undefined
      ? { keep: table ? table[i]! : amountOf(step.keep!, params) }
      : { remove: amountOf(step.remove, params) };
    return keptChannels(amount, { headDim, multiple });
  });
  if (widths.some((width) => width < 1)) {
    throw new KerfError(`Cannot prune with "${definition.name}": a head would keep no channel`, {
      hint: `keep at least 1 of ${headDim} channels`,
      exitCode: 2,
    });
  }
  return {
    definition,
    params,
    tables,
    window: amountOf(step.queries.rows, params),
    recent: amountOf(step.protect?.last ?? 0, params),
    widths,
  };
}

/**
 * Loads and resolves a pruning spec.
 *
 * @throws {KerfError} exit code 2: unknown variant or parameter, out of range, two steps on one axis
 */
export async function prunePlan(spec: string, dims: ModelDims): Promise<PrunePlan> {
  const steps = parseSpec(spec);
  const definitions: Pruning[] = [];
  for (const step of steps) definitions.push(await loadPruning(step.name));
  const owners = definitions.flatMap((d) => d.steps.map(() => d.name));
  if (owners.length > 1) {
    throw new KerfError(
      `Cannot combine ${owners.map((o) => `"${o}"`).join(" and ")}: both choose key channels, ` +
        "and a head has one channel list",
      { hint: `use one of them: --prune ${owners[0]}`, exitCode: 2 },
    );
  }
  const index = definitions.findIndex((d) => d.steps.length > 0);
  return {
    spec: formatSpec(steps),
    channels: index < 0 ? null : await channelsPlan(definitions[index]!, steps[index]!, dims),
  };
}

async function loadPruning(name: string): Promise<Pruning> {
  const definition = await loadDefinition<Pruning>("prune", name);
  if (definition.kind === "pruning") return definition;
  throw new KerfError(`Cannot prune with "${name}": its file declares a ${definition.kind}`, {
    where: `kernels/prune/${name}.ts`,
    hint: "export default pruning({ … })",
  });
}
