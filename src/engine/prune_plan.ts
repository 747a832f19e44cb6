/**
 * A pruning spec made definite for a model: which definitions, with which numbers, in which order. Reads
 * declared data only; a variant's name never decides anything.
 */

import { paramBudget, withBudgets } from "../dsl/budgets.ts";
import { checkNumbers } from "../dsl/declared_amounts.ts";
import { layoutSteps } from "../dsl/layout_steps.ts";
import { memberSteps } from "../dsl/members.ts";
import { channelBitsOf, rowBitsOf } from "../dsl/steps.ts";
import type { ModelDims } from "../dsl/table.ts";
import { CELL } from "../layout/coded.ts";
import type { LayoutSteps } from "../layout/steps.ts";
import { isBudgetPath, keptCounts, readBudgets } from "./budget_file.ts";
import type { NamedBudgets } from "./budget_file.ts";
import { channelBitsPlan } from "./channel_bits_plan.ts";
import type { ChannelBitsPlan } from "./channel_bits_plan.ts";
import { channelsPlan } from "./channels_plan.ts";
import type { ChannelsPlan } from "./channels_plan.ts";
import { loadPruning } from "./load_pruning.ts";
import type { LoadedStep } from "./load_pruning.ts";
import { refuseClashes } from "./prune_clashes.ts";
import type { LoadedMember } from "./prune_clashes.ts";
import { checkTurnedHeads, checkWindows } from "./prune_fits.ts";
import type { OwnedStep } from "./prune_fits.ts";
import { rowClassesPlan } from "./row_classes_plan.ts";
import type { RowClassesPlan } from "./row_classes_plan.ts";
import { formatSpec, parseSpec } from "./spec.ts";
import type { SpecStep } from "./spec.ts";
import { paramsOf } from "./variant_params.ts";
import { tokensPlan } from "./tokens_plan.ts";
import { keepsAlike } from "./row_budgets.ts";
import type { TokensPlan } from "./tokens_plan.ts";

/** Everything a pruning spec means for a model; a step that it lacks is null. */
export interface PrunePlan {
  /** The spec in its shortest form. */
  readonly spec: string;
  /** Rows are evicted first … */
  readonly tokens: TokensPlan | null;
  /** … then the survivors lose channels of their keys … */
  readonly channels: ChannelsPlan | null;
  /** … and of their values. */
  readonly valueChannels: ChannelsPlan | null;
  /** … then keys are coded, channels in as many bits as they are worth; null: all alike … */
  readonly bits: ChannelBitsPlan | null;
  /** … then they are coded, some rows in more bits than others; null: all alike. */
  readonly classes: RowClassesPlan | null;
  /** What the layout follows from; null: dense. */
  readonly steps: LayoutSteps | null;
  /** The files that counts were read from. */
  readonly budgets: readonly NamedBudgets[];
}

/**
 * Loads and resolves a pruning spec.
 *
 * @param kept u32 [nLayers, nKvHeads]: what heads keep of the one variant, whatever its budget says
 * @throws {KerfError} exit code 2: unknown variant or parameter, out of range, two steps on one axis, or
 * steps in another order than they run; 1: a budget file that does not fit
 */
export async function prunePlan(
  spec: string,
  dims: ModelDims,
  kept?: Uint32Array,
): Promise<PrunePlan> {
  const steps = parseSpec(spec);
  const members: LoadedMember[] = [];
  const budgets: NamedBudgets[] = [];
  for (const typed of steps) {
    const { file, ...loaded } = await readFileOf(await loadPruning(typed), typed, dims);
    if (file) budgets.push(file);
    const { spec } = loaded;
    const counts = kept ?? (file && keptCounts(file));
    const definition = counts ? withBudgets(loaded.definition, counts) : loaded.definition;
    const params = paramsOf(spec, definition);
    checkNumbers(definition, params);
    members.push({ name: typed.name, ...{ definition, params, spec, typed } });
  }
  refuseClashes(members);
  const owned = memberSteps(members);
  checkTurnedHeads(owned, dims.headDim);
  const tokens = owned.find(({ own }) => own.kind === "tokens");
  const listOf = (stream: "key" | "value") =>
    owned.find(({ own }) => own.kind === "channels" && own.of === stream);
  const [channels, valueChannels] = [listOf("key"), listOf("value")];
  const tokensOf = tokens
    ? await tokensPlan(tokens.member.definition, tokens.member.spec, dims)
    : null;
  const planOf = async (step: OwnedStep | undefined, cell = 1) =>
    step ? await channelsPlan(step.member.definition, step.member.spec, { dims, cell }) : null;
  const codesValues = owned.some(({ own }) => own.kind === "codes" && own.of === "value");
  const keyPlan = await planOf(channels);
  const valuePlan = await planOf(valueChannels, codesValues ? CELL : 1);
  checkWindows(owned, steps);
  const classes = await classesOf(owned, dims);
  return {
    spec: formatSpec(steps),
    tokens: tokensOf,
    ...{ channels: keyPlan, valueChannels: valuePlan },
    bits: await bitsOf(owned, {
      ...{ dims, shares: !tokensOf || keepsAlike(tokensOf), share: classes?.share ?? null },
    }),
    classes,
    steps: withPositions(composedSteps(owned), tokensOf),
    budgets,
  };
}

/** The bits per channel of the variant that has them. */
async function bitsOf(
  owned: readonly OwnedStep[],
  options: Parameters<typeof channelBitsPlan>[2],
): Promise<ChannelBitsPlan | null> {
  const found = owned.find(({ own }) => channelBitsOf({ steps: [own] }) !== null)?.member;
  return found ? await channelBitsPlan(found.definition, found.spec, options) : null;
}

/** The bits by row of the variant that has them. */
async function classesOf(
  owned: readonly OwnedStep[],
  dims: ModelDims,
): Promise<RowClassesPlan | null> {
  const found = owned.find(({ own }) => rowBitsOf({ steps: [own] }) !== null)?.member;
  return found ? await rowClassesPlan(found.definition, found.spec, dims) : null;
}

const withPositions = (steps: LayoutSteps | null, tokens: TokensPlan | null) =>
  steps && tokens?.positions === "cache"
    ? { ...steps, positions: tokens.positions, name: steps.name }
    : steps;

/** What the layout of variants that stand together follows from; null: they do nothing. */
function composedSteps(owned: readonly OwnedStep[]): LayoutSteps | null {
  const parts = [...new Set(owned.map(({ member }) => member))]
    .map(({ definition, params }) => layoutSteps(definition, params));
  if (parts.length < 2) return parts[0] ?? null;
  return {
    name: parts.map(({ name }) => name).join("+"),
    steps: parts.flatMap(({ steps }) => steps),
  };
}

/** A step with the number that its budget file stands for, and the file; null: its budget is a number. */
async function readFileOf(
  { definition, spec }: LoadedStep,
  typed: SpecStep,
  dims: ModelDims,
): Promise<LoadedStep & { readonly file: NamedBudgets | null }> {
  const budget = paramBudget(definition);
  const path = budget && spec.values[budget.param];
  if (!isBudgetPath(path)) return { definition, spec, file: null };
  const { param } = budget!;
  const withValue = (step: SpecStep, value: number): SpecStep => ({
    ...step,
    values: { ...step.values, [param]: value },
  });
  const usual = formatSpec([withValue(typed, definition.params[param]!.default)]);
  const file = await readBudgets(path, { spec: usual, budget: budget!, dims });
  return { definition, spec: withValue(spec, file.value), file };
}
