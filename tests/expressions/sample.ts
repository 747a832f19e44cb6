/**
 * Expressions with arguments, many in one kernel: how their values travel as words, and the part of their
 * text that every target shares. A kernel has two buffers of words [nSamples, SLOTS, nLanes]: arguments
 * (parameters, then reduced columns) and results. A lane is one set of arguments; tables, bytes and columns
 * are the same for all lanes.
 */

import { assert } from "@std/assert";
import fc from "fast-check";
import type { GeneratedSource, KernelEntry, Target } from "../../src/core/mod.ts";
import { emitFunc } from "../../src/emit/func.ts";
import type { Argument } from "../../src/emit/arguments.ts";
import { createScope } from "../../src/emit/names.ts";
import type { EmitTarget } from "../../src/emit/target.ts";
import { reduceColumn } from "../../src/ir/interpret.ts";
import type { Arg } from "../../src/ir/interpret.ts";
import { arbitraryArgs } from "../../src/ir/testing.ts";
import type { Func, Node, Param, Scalar } from "../../src/ir/types.ts";
import type { Value } from "../../src/ir/value.ts";

/** An expression with one set of arguments per lane. */
export interface Sample {
  readonly func: Func;
  readonly lanes: readonly (readonly Arg[])[];
}

/** Results by sample, lane and result. */
export type Results = Value[][][];

/** Lanes are computed in multiples of these. */
export const LANES = 16;

/** Words of one lane: parameters and reduced columns, or results. */
export const SLOTS = 16;

/** Elements of a table and of bytes: arbitraryFunc's. */
export const N_ELEMENTS = 4;

/** Random arguments for every function; those that `shared` names are the same in all lanes. */
export function samplesOf(
  funcs: readonly Func[],
  options: { readonly seed: number; readonly shared?: ReadonlySet<string> },
): Sample[] {
  const { seed, shared } = options;
  return funcs.map((func, n) => {
    const lanes = fc.sample(arbitraryArgs(func), { numRuns: LANES, seed: seed + n });
    const common = ({ kind, name }: Param) => kind !== "scalar" || shared?.has(name) === true;
    const first = lanes[0]!;
    const lane = (args: readonly Arg[]) =>
      args.map((a, i) => common(func.params[i]!) ? first[i]! : a);
    return { func, lanes: lanes.map(lane) };
  });
}

const view = new DataView(new ArrayBuffer(4));

/** A value's 32 bits. */
export function wordOf(value: Value, type: Scalar): number {
  if (type !== "f32") return Number(value) >>> 0;
  view.setFloat32(0, value as number);
  return view.getUint32(0);
}

function valueOf(word: number, type: Scalar): Value {
  if (type === "bool") return word !== 0;
  view.setUint32(0, word);
  return type === "f32" ? view.getFloat32(0) : view.getInt32(0);
}

/** The number of lanes, idle ones included. */
export const nLanesOf = (samples: readonly Sample[]): number =>
  LANES * Math.ceil(Math.max(...samples.map(({ lanes }) => lanes.length)) / LANES);

/** The place of a value: its word's index. */
export const wordIndex = (nLanes: number, n: number, slot: number, lane = 0): number =>
  (n * SLOTS + slot) * nLanes + lane;

type Reduce = Node & { readonly kind: "reduce" };

/** A reduced column's slot; reductions themselves are templates' loops, so their values are given. */
const reducedSlot = (func: Func, node: Reduce): number => {
  const columns = func.nodes.filter((other): other is Reduce => other.kind === "reduce");
  const names = [...new Set(columns.map((other) => other.reduction.name))];
  return func.params.length + names.indexOf(node.reduction.name);
};

/** The arguments of all samples. */
export function packArguments(samples: readonly Sample[]): Uint32Array<ArrayBuffer> {
  const nLanes = nLanesOf(samples);
  const words = new Uint32Array(samples.length * SLOTS * nLanes);
  samples.forEach(({ func, lanes }, n) => {
    const put = (slot: number, lane: number, word: number) => {
      assert(slot < SLOTS);
      words[wordIndex(nLanes, n, slot, lane)] = word;
    };
    func.params.forEach((param, i) => {
      if (param.kind === "scalar") {
        lanes.forEach((args, lane) => put(i, lane, wordOf(args[i] as Value, param.type)));
      } else if (param.kind !== "column") {
        const type = param.kind === "table" ? param.type : "i32";
        (lanes[0]![i] as number[]).forEach((value, e) => put(i, e, wordOf(value, type)));
      }
    });
    for (const node of func.nodes) {
      if (node.kind !== "reduce") continue;
      const column = lanes[0]![node.param] as ArrayLike<number>;
      const value = reduceColumn(node.reduction, column, { mode: "f32" });
      put(reducedSlot(func, node), 0, wordOf(value, "f32"));
    }
  });
  return words;
}

/** The results of all samples from a kernel's words. */
export function unpackResults(samples: readonly Sample[], words: Uint32Array): Results {
  const nLanes = nLanesOf(samples);
  return samples.map(({ func, lanes }, n) =>
    lanes.map((_, lane) =>
      func.results.map((id, i) =>
        valueOf(words[wordIndex(nLanes, n, i, lane)]!, func.nodes[id]!.type)
      )
    )
  );
}

/** How a target's language takes arguments and stores results. */
export interface Dialect {
  readonly target: EmitTarget;
  readonly form: "scalar" | "lanes";
  /** Statements that make a parameter, and what it is then. */
  argument(
    param: Param,
    slot: number,
  ): { readonly lines: readonly string[]; readonly argument: Argument };
  /** The f32 in lane 0 of a slot, as an expression. */
  reduced(slot: number): string;
  /** The statement that stores a result. */
  store(slot: number, type: Scalar, value: string): string;
}

/** The statements of one expression: arguments in, results out. */
export function bodyText({ func }: Sample, dialect: Dialect): string {
  const { target, form } = dialect;
  const given = func.params.map((param, slot) => dialect.argument(param, slot));
  const printed = emitFunc(func, {
    target,
    form,
    args: given.map(({ argument }) => argument),
    scope: createScope(["in", "out", "lane", ...func.params.map(({ name }) => name)]),
    into: func.results.map((_, i) => `result_${i}`),
    reduce: (node) => dialect.reduced(reducedSlot(func, node)),
  });
  const stores = printed.results.map((value, i) =>
    dialect.store(i, func.nodes[func.results[i]!]!.type, value)
  );
  const statements = [...printed.uniform, ...printed.lines].map(({ text }) => text);
  return [...given.flatMap(({ lines }) => lines), ...statements, ...stores].join("\n");
}

/** The samples in lists of at most `size`: one kernel each. */
export const inKernels = (samples: readonly Sample[], size: number): Sample[][] =>
  Array.from(
    { length: Math.ceil(samples.length / size) },
    (_, i) => samples.slice(i * size, (i + 1) * size),
  );

/** The kernel's entry. Headers are those of the templates, whatever generated/ holds. */
export function entryOf(
  target: EmitTarget,
  how: Pick<GeneratedSource, "grid" | "workgroup">,
): KernelEntry {
  const shape = ["nSamples", "slots", "lanes"];
  const file = `templates/${target.name}/expressions.${target.extension}`;
  const sources: Partial<Record<Target, GeneratedSource>> = {
    [target.name]: { file, sha256: "", template: "", ...how },
  };
  return {
    signature: {
      name: "expressions",
      bindings: [
        { name: "arguments", dtype: "u32", access: "read", shape },
        { name: "results", dtype: "u32", access: "write", shape },
      ],
      constants: [],
      defines: [],
    },
    sources,
    authored: [],
  };
}
