/**
 * A pruning spec made definite for a model: which definitions, with which numbers, in which order. Reads
 * declared data only; a variant's name never decides anything.
 */

import { KerfError } from "../core/error.ts";
import { layoutSteps } from "../dsl/pruning.ts";
import type { Pruning, PruningStep } from "../dsl/pruning.ts";
import type { ModelDims } from "../dsl/table.ts";
import { wrapped } from "../dsl/wrapper.ts";
import type { Wrapper } from "../dsl/wrapper.ts";
import type { LayoutSteps } from "../layout/make.ts";
import { channelsPlan } from "./channels_plan.ts";
import type { ChannelsPlan } from "./channels_plan.ts";
import { loadDefinition } from "./registry.ts";
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
  /** … then the survivors lose channels. */
  readonly channels: ChannelsPlan | null;
  /** What the layout follows from; null: dense. */
  readonly steps: LayoutSteps | null;
}

type Kind = PruningStep["kind"];

/** The order in which steps run, and what two of one kind would both choose. */
const ORDER: readonly Kind[] = ["tokens", "channels", "codes"];
const CHOICE: Readonly<Record<Kind, string>> = {
  tokens: "which rows stay, and a head has one list of rows",
  channels: "key channels, and a head has one channel list",
  codes: "how rows are coded, and a row is coded once",
};
const DEED: Readonly<Record<Kind, string>> = {
  tokens: "rows are evicted",
  channels: "channels are pruned",
  codes: "rows are coded",
};

/** One step of one variant of a spec. */
interface Owned {
  readonly kind: Kind;
  /** What two steps of it may not both choose. */
  readonly axis: string;
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
    owned.push(...definition.steps.map((own) => ({
      kind: own.kind,
      axis: own.kind === "tokens" ? "rows" : `${own.kind} of ${own.of}s`,
      ...{ definition, spec, typed: step },
    })));
  }
  checkSteps(owned);
  const of = (kind: Kind) => owned.find((step) => step.kind === kind);
  const [tokens, channels] = [of("tokens"), of("channels")];
  const codes = of("codes");
  if (tokens && codes) {
    const [evicts, coded] = [tokens, codes].map(({ typed }) => formatSpec([typed]));
    throw new KerfError(
      `Cannot combine "${tokens.typed.name}" and "${codes.typed.name}": coded rows share scales, and ` +
        "the end of every prefill evicts again",
      { hint: `--prune ${evicts}, or --prune ${coded}`, exitCode: 2 },
    );
  }
  const tokensOf = tokens ? await tokensPlan(tokens.definition, tokens.spec, dims) : null;
  if (tokensOf?.positions === "cache" && channels) {
    const names = [tokens!, channels].map(({ definition: { name } }) => name);
    throw new KerfError(
      `Cannot combine "${names[0]}" with positions in the cache and "${
        names[1]
      }": pruned keys cannot ` +
        "be rotated again",
      { hint: `--prune ${names[0]}, or keep true positions`, exitCode: 2 },
    );
  }
  return {
    spec: formatSpec(steps),
    tokens: tokensOf,
    channels: channels ? await channelsPlan(channels.definition, channels.spec, dims) : null,
    steps: withPositions(composedSteps(owned), tokensOf),
  };
}

/** @throws {KerfError} the first two steps that cannot stand together, in this order */
function checkSteps(owned: readonly Owned[]): void {
  const refuse = (message: string, hint: string) => {
    throw new KerfError(message, { hint, exitCode: 2 });
  };
  owned.forEach(({ kind, axis, typed }, i) => {
    for (const before of owned.slice(0, i)) {
      const [name, other] = [typed.name, before.typed.name];
      if (before.axis === axis) {
        refuse(
          `Cannot combine "${other}" and "${name}": both choose ${CHOICE[kind]}`,
          `use one of them: --prune ${formatSpec([before.typed])}`,
        );
      }
      if (ORDER.indexOf(before.kind) > ORDER.indexOf(kind)) {
        refuse(
          `Cannot run "${name}" after "${other}": ${DEED[kind]} before ${DEED[before.kind]}`,
          `--prune ${formatSpec([typed, before.typed])}`,
        );
      }
    }
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
