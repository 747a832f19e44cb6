/**
 * A pruning spec made definite for a model: which definitions, with which numbers, in which order. Reads
 * declared data only; a variant's name never decides anything.
 */

import { KerfError } from "../core/error.ts";
import { amountOf } from "../dsl/accumulator.ts";
import { channelBitsOf, layoutSteps, rowBitsOf } from "../dsl/pruning.ts";
import type { Pruning, PruningStep } from "../dsl/pruning.ts";
import type { ModelDims } from "../dsl/table.ts";
import { hasStatistic } from "../dsl/tokens.ts";
import { wrapped } from "../dsl/wrapper.ts";
import type { Wrapper } from "../dsl/wrapper.ts";
import type { LayoutSteps } from "../layout/make.ts";
import { checkBasis } from "./basis_check.ts";
import { channelBitsPlan } from "./channel_bits_plan.ts";
import type { ChannelBitsPlan } from "./channel_bits_plan.ts";
import { channelsPlan } from "./channels_plan.ts";
import type { ChannelsPlan } from "./channels_plan.ts";
import { loadDefinition } from "./registry.ts";
import { rowClassesPlan } from "./row_classes_plan.ts";
import type { RowClassesPlan } from "./row_classes_plan.ts";
import { formatSpec, parseSpec } from "./spec.ts";
import type { SpecStep } from "./spec.ts";
import { paramsOf } from "./variant_params.ts";
import { tokensPlan } from "./tokens_plan.ts";
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
}

type Kind = PruningStep["kind"];

/** The order in which steps run, and what two of one kind would both choose. */
const ORDER: readonly Kind[] = ["tokens", "channels", "basis", "codes"];
const CHOICE: Readonly<Record<Exclude<Axis["of"], "channels">, string>> = {
  rows: "which rows stay, and a head has one list of rows",
  basis: "the basis of a stream, and it has one",
  codes: "how rows are coded, and a row is coded once",
};
const DEED: Readonly<Record<Kind, string>> = {
  tokens: "rows are evicted",
  channels: "channels are pruned",
  basis: "streams are turned",
  codes: "rows are coded",
};

/** What two steps may not both choose: which rows, which channels of a stream, how its rows are coded. */
interface Axis {
  readonly of: "rows" | Exclude<Kind, "tokens">;
  readonly stream?: "key" | "value";
}

const choiceOf = ({ of, stream }: Axis): string =>
  of === "channels" ? `${stream} channels, and a head has one channel list` : CHOICE[of];

/** One step of one variant of a spec. */
interface Owned {
  readonly own: PruningStep;
  readonly kind: Kind;
  readonly axes: readonly Axis[];
  readonly definition: Pruning;
  readonly spec: SpecStep;
  /** The spec's step as it was typed: a wrapper with what it wraps. */
  readonly typed: SpecStep;
}

/**
 * Loads and resolves a pruning spec.
 *
 * @throws {KerfError} exit code 2: unknown variant or parameter, out of range, two steps on one axis, or
 * steps in another order than they run
 */
export async function prunePlan(spec: string, dims: ModelDims): Promise<PrunePlan> {
  const steps = parseSpec(spec);
  const owned: Owned[] = [];
  for (const step of steps) {
    const { definition, spec } = await loadPruning(step);
    const isUsed = (own: PruningStep) =>
      own.kind !== "basis" || amountOf(own.if, paramsOf(spec, definition)) !== 0;
    owned.push(
      ...definition.steps.filter(isUsed).map((own) => ({
        own,
        kind: own.kind,
        axes: axesOf(own),
        ...{ definition, spec, typed: step },
      })),
    );
  }
  checkSteps(owned);
  const of = (kind: Kind) => owned.find((step) => step.kind === kind);
  const tokens = of("tokens");
  const listOf = (stream: "key" | "value") =>
    owned.find(({ own }) => own.kind === "channels" && own.of === stream);
  const [channels, valueChannels] = [listOf("key"), listOf("value")];
  const tokensOf = tokens ? await tokensPlan(tokens.definition, tokens.spec, dims) : null;
  if (tokens && tokensOf) {
    const turned = owned.find(({ own }) => own.kind === "basis" && own.of === "key");
    checkEviction(tokensOf, { steps, tokens, channels, codes: of("codes"), turned });
    if (valueChannels) refuseEvictedValues(tokens, valueChannels);
  }
  checkBasis(
    owned.flatMap(({ own, typed }) => own.kind === "basis" ? [{ step: own, typed }] : []),
    {
      headDim: dims.headDim,
      lists: owned.flatMap(({ own, typed }) =>
        own.kind === "channels" ? [{ of: own.of, typed }] : []
      ),
      cached: tokensOf?.positions === "cache" ? tokens! : null,
    },
  );
  const planOf = async (step: Owned | undefined) =>
    step ? await channelsPlan(step.definition, step.spec, dims) : null;
  const [keyPlan, valuePlan] = [await planOf(channels), await planOf(valueChannels)];
  if (valueChannels && valuePlan) {
    checkCodedWidths(valuePlan, valueChannels, owned.find(codesValues));
    const ordered = owned.find(({ definition }) => rowBitsOf(definition) !== null);
    if (ordered) refuseOrderedValues(valueChannels, ordered);
  }
  return {
    spec: formatSpec(steps),
    tokens: tokensOf,
    ...{ channels: keyPlan, valueChannels: valuePlan },
    bits: await bitsOf(owned, dims),
    classes: await classesOf(owned, dims),
    steps: withPositions(composedSteps(owned), tokensOf),
  };
}

/** What a step chooses; codes of two classes of channels choose the channels too. */
function axesOf(step: PruningStep): Axis[] {
  if (step.kind === "tokens") return [{ of: "rows" }];
  const own: Axis = { of: step.kind, stream: step.of };
  const choosesChannels = step.kind === "codes" && channelBitsOf({ steps: [step] }) !== null;
  return choosesChannels ? [own, { of: "channels", stream: step.of }] : [own];
}

/** The first axis that both steps choose. */
const sharedAxis = (a: Owned, b: Owned): Axis | undefined =>
  a.axes.find(({ of, stream }) => b.axes.some((axis) => axis.of === of && axis.stream === stream));

/** The bits per channel of the variant that has them. */
async function bitsOf(owned: readonly Owned[], dims: ModelDims): Promise<ChannelBitsPlan | null> {
  const found = owned.find(({ definition }) => channelBitsOf(definition) !== null);
  return found ? await channelBitsPlan(found.definition, found.spec, dims) : null;
}

/** The bits by row of the variant that has them. */
async function classesOf(owned: readonly Owned[], dims: ModelDims): Promise<RowClassesPlan | null> {
  const found = owned.find(({ definition }) => rowBitsOf(definition) !== null);
  return found ? await rowClassesPlan(found.definition, found.spec, dims) : null;
}

/** @throws {KerfError} the first two steps that choose the same, or that stand in another order than they run */
function checkSteps(owned: readonly Owned[]): void {
  const refuse = (message: string, hint: string) => {
    throw new KerfError(message, { hint, exitCode: 2 });
  };
  const pairs = owned.flatMap((step, i) => owned.slice(0, i).map((before) => ({ step, before })));
  for (const { step, before } of pairs) {
    const axis = sharedAxis(before, step);
    if (!axis) continue;
    refuse(
      `Cannot combine "${before.typed.name}" and "${step.typed.name}": both choose ` +
        choiceOf(axis),
      `use one of them: --prune ${formatSpec([before.typed])}`,
    );
  }
  for (const { step: { kind, typed }, before } of pairs) {
    if (ORDER.indexOf(before.kind) <= ORDER.indexOf(kind)) continue;
    refuse(
      `Cannot run "${typed.name}" after "${before.typed.name}": ${DEED[kind]} before ` +
        DEED[before.kind],
      `--prune ${formatSpec(inOrder(owned))}`,
    );
  }
}

/** A spec's steps in the order that they run. */
function inOrder(owned: readonly Owned[]): SpecStep[] {
  const sorted = owned.toSorted((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
  return [...new Set(sorted.map(({ typed }) => typed))];
}

/** @throws {KerfError} always: what evicts rows reads values that have every channel */
function refuseEvictedValues(tokens: Owned, values: Owned): never {
  const names = [tokens, values].map(({ typed: { name } }) => `"${name}"`);
  throw new KerfError(
    `Cannot combine ${
      names.join(" and ")
    }: rows that are evicted keep every channel of their values`,
    { hint: `--prune ${formatSpec([values.typed])}`, exitCode: 2 },
  );
}

/** @throws {KerfError} always: rows are coded by what the window gives them, with every channel */
function refuseOrderedValues(values: Owned, ordered: Owned): never {
  throw new KerfError(
    `Cannot combine "${values.typed.name}" and "${ordered.typed.name}": values that are coded by row ` +
      "keep every channel",
    { hint: `--prune ${formatSpec([ordered.typed])}`, exitCode: 2 },
  );
}

const codesValues = ({ own }: Owned): boolean => own.kind === "codes" && own.of === "value";

/** Sixteen codes of a row of values are one cell, so a coded row stores whole cells of channels. */
const CELL_CHANNELS = 16;

/** @throws {KerfError} values that lose channels and are coded keep a number of them that fills no cells */
function checkCodedWidths(
  { widths }: ChannelsPlan,
  { typed, own }: Owned,
  codes: Owned | undefined,
): void {
  if (!codes || widths.every((width) => width % CELL_CHANNELS === 0)) return;
  const multiple = own.kind === "channels" ? own.multiple : undefined;
  const whole = typeof multiple === "string"
    ? [{ ...typed, values: { ...typed.values, [multiple]: CELL_CHANNELS } }, codes.typed]
    : [codes.typed];
  throw new KerfError(
    `Cannot combine "${typed.name}" and "${codes.typed.name}": coded values store channels in ` +
      `cells of ${CELL_CHANNELS}, and a head would keep ${
        widths.find((n) => n % CELL_CHANNELS !== 0)
      }`,
    { hint: `--prune ${formatSpec(whole)}`, exitCode: 2 },
  );
}

/** @throws {KerfError} rows are evicted in a way that what compresses them later cannot follow */
function checkEviction(
  { step, every, positions, moments }: TokensPlan,
  { steps, tokens, channels, codes, turned }: {
    readonly steps: readonly SpecStep[];
    readonly tokens: Owned;
    readonly channels: Owned | undefined;
    readonly codes: Owned | undefined;
    readonly turned: Owned | undefined;
  },
): void {
  const refuse = (how: string, other: Owned, why: string, param: unknown) => {
    const names = [tokens, other].map(({ typed: { name } }) => name);
    const off = typeof param === "string" ? turnedOff(param, tokens, steps) : [tokens.typed];
    throw new KerfError(`Cannot combine "${names[0]}"${how} and "${names[1]}": ${why}`, {
      hint: `--prune ${formatSpec(off)}`,
      exitCode: 2,
    });
  };
  const compressing = channels ?? codes;
  if (positions === "cache" && compressing) {
    const off = typeof step.positions === "object" ? step.positions.cacheIf : null;
    const why = `${compressing === channels ? "pruned" : "coded"} keys cannot be rotated again`;
    refuse(" with positions in the cache", compressing, why, off);
  }
  if (moments && turned) {
    refuse(" with moments of queries", turned, "keys are stored in another basis", null);
  }
  if (hasStatistic(step, "columnSums") && codes) {
    refuse(" with running sums", codes, "coded rows have no place for them", null);
  }
  if (every > 0 && codes) {
    const why = "rows that share scales cannot leave one by one";
    refuse(" with evictions while decoding", codes, why, step.every);
  }
  if (codes && rowBitsOf(codes.definition) !== null) {
    refuse("", codes, "rows that lie by class have lost the order that evictions know", null);
  }
  if (codes && channelBitsOf(codes.definition) !== null) {
    refuse("", codes, "keys without some of their channels are not made whole again", null);
  }
}

/** A spec's steps with a parameter of one of them at 0, which is not written where it is the default. */
function turnedOff(param: string, { typed, definition }: Owned, steps: readonly SpecStep[]) {
  return steps.map((step) => {
    if (step !== typed) return step;
    const { [param]: _, ...values } = step.values;
    const isDefault = definition.params[param]?.default === 0;
    return { ...step, values: isDefault ? values : { ...values, [param]: 0 } };
  });
}

const withPositions = (steps: LayoutSteps | null, tokens: TokensPlan | null) =>
  steps && tokens?.positions === "cache"
    ? { ...steps, positions: tokens.positions, name: steps.name }
    : steps;

/** @throws {KerfError} a variant with a layout of its own beside another one */
function composedSteps(owned: readonly Owned[]): LayoutSteps | null {
  const parts = [...new Map(owned.map((step) => [step.definition, step])).values()]
    .map(({ definition, spec }) => layoutSteps(definition, paramsOf(spec, definition)));
  if (parts.length < 2) return parts[0] ?? null;
  const own = parts.find(({ layout }) => layout !== undefined);
  if (own) {
    throw new KerfError(`Cannot combine "${own.name}" with others: it declares its own layout`, {
      hint: `--prune ${own.name}`,
      exitCode: 2,
    });
  }
  return {
    name: parts.map(({ name }) => name).join("+"),
    steps: parts.flatMap(({ steps }) => steps),
  };
}

/** A step's variant; a wrapper's `of` names what it wraps and is no parameter. */
async function loadPruning(step: SpecStep): Promise<{ definition: Pruning; spec: SpecStep }> {
  const definition = await loadDefinition<Pruning | Wrapper>("prune", step.name);
  if (definition.kind === "pruning") return { definition, spec: step };
  if (definition.kind === "wrapper") {
    const { of = definition.of, ...values } = step.values;
    const inner = await loadDefinition<Pruning | Wrapper>("prune", String(of));
    if (inner.kind === "pruning") {
      return { definition: wrapped(definition, inner), spec: { ...step, values } };
    }
    throw new KerfError(`Cannot wrap "${of}" in "${step.name}": it is a wrapper itself`, {
      hint: `${step.name}:of=${definition.of}`,
      exitCode: 2,
    });
  }
  const { kind } = definition as { readonly kind: string };
  throw new KerfError(`Cannot prune with "${step.name}": its file declares a ${kind}`, {
    where: `kernels/prune/${step.name}.ts`,
    hint: "export default pruning({ … })",
  });
}
