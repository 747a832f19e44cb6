/**
 * A function's IR as text. Values used once are printed where they are used, the author's names stay,
 * and what does not depend on a varying argument comes out apart, to stand before the inner loop.
 * Reductions are the template's loops: here they are names.
 */

import type { Func, Node, Scalar, Span } from "../ir/types.ts";
import type { Argument } from "./arguments.ts";
import { bounded } from "./bounds.ts";
import { atom, infix, PRECEDENCE } from "./code.ts";
import type { Code, Operand } from "./code.ts";
import { lazySelects } from "./lazy_selects.ts";
import type { CodeLine } from "./lines.ts";
import { countUses, defaultName, hoistedValues, needsName } from "./named_values.ts";
import { isIdentifier } from "./names.ts";
import type { Scope } from "./names.ts";
import type { EmitTarget, Form } from "./target.ts";

/** How to print a function. */
export interface FuncOptions {
  readonly target: EmitTarget;
  readonly form: "scalar" | "lanes";
  /** One per parameter of the function, in order; see `bindArguments`. */
  readonly args: readonly Argument[];
  /** The identifiers of the place where the text will stand. */
  readonly scope: Scope;
  /** Names for the results; a result that is an expression becomes a constant of that name. */
  readonly into?: readonly string[];
  /** The name of a finished reduction; it has a value per lane when the column is varying. */
  readonly reduce?: (node: Node & { readonly kind: "reduce" }) => string;
}

/** A printed function. */
export interface EmittedFunc {
  /** Statements that depend on no varying argument. */
  readonly uniform: readonly CodeLine[];
  /** The other statements, in order. */
  readonly lines: readonly CodeLine[];
  /** One expression per result; in the lanes form each is a vector. */
  readonly results: readonly string[];
}

/**
 * Prints `func`.
 *
 * @throws {TypeError} the arguments do not match the parameters, or a reduction has no name
 */
export function emitFunc(func: Func, options: FuncOptions): EmittedFunc {
  if (options.args.length !== func.params.length) {
    throw new TypeError(
      `Cannot emit "${func.name}": ${options.args.length} arguments for ${func.params.length} parameters`,
    );
  }
  const { scope, into = [], target } = options;
  const lazy = options.form === "scalar" && target.guardsLoads;
  const open = lazy ? lazySelects(func) : new Map<number, number>();
  const plan = { hoisted: hoistedValues(func, options.args), uses: countUses(func, open) };
  const printed: Operand[] = [];
  const lines = { uniform: [] as CodeLine[], varying: [] as CodeLine[] };

  const name = (operand: Operand, wanted: string, span: Span): Operand => {
    const identifier = scope.unique(wanted);
    const form = operand.varying ? target[options.form] : target.scalar;
    const text = form.declare(operand.type, identifier, operand.text);
    (operand.varying ? lines.varying : lines.uniform).push({ text, span });
    return { ...operand, ...atom(identifier) };
  };

  for (const node of func.nodes) {
    const same = open.get(node.id);
    const operand = same === undefined
      ? { ...printNode(node, func, printed, options), ...bounded(node, printed) }
      : printed[same]!;
    const kept = needsName(node, func, plan);
    printed.push(kept ? name(operand, node.name ?? defaultName(node), node.span) : operand);
  }

  const results = func.results.map((id, i) => {
    const node = func.nodes[id]!;
    const operand = printed[id]!;
    const lanes = options.form === "lanes" && !operand.varying;
    const whole: Operand = lanes
      ? { ...operand, ...target.lanes.broadcast(operand), varying: true }
      : operand;
    const wanted = into[i];
    if (wanted === undefined || isIdentifier(whole.text)) return whole.text;
    const form: Form = target[options.form];
    lines.varying.push({ text: form.declare(whole.type, wanted, whole.text), span: node.span });
    return wanted;
  });
  return { uniform: lines.uniform, lines: lines.varying, results };
}

/** The printed form of one node whose operands are printed. */
function printNode(
  node: Node,
  func: Func,
  printed: readonly Operand[],
  options: FuncOptions,
): Operand {
  const { target, args } = options;
  const typed = (code: Code, varying: boolean, type: Scalar) => ({ ...code, type, varying });
  switch (node.kind) {
    case "const":
      return typed(target.literal(node.value, node.type), false, node.type);
    case "param": {
      const { text, varying, bound } = args[node.param]!;
      const operand = typed(atom(text), varying, node.type);
      return bound === undefined ? operand : { ...operand, bound };
    }
    case "op": {
      const operands = node.args.map((id) => printed[id]!);
      const isVarying = operands.some((o) => o.varying);
      const form = isVarying ? target[options.form] : target.scalar;
      return typed(form.ops[node.op](operands, node.type), isVarying, node.type);
    }
    case "load": {
      const table = args[node.param]!;
      const index = flatIndex(node.args.map((id) => printed[id]!), table);
      const form = index.varying ? target[options.form] : target.scalar;
      const bytes = func.params[node.param]!.kind === "bytes";
      const code = form.load(bytes ? "bytes" : "table", table.text, index, node.type);
      const operand = typed(code, index.varying, node.type);
      return bytes ? { ...operand, bound: 255 } : operand;
    }
    case "reduce": {
      if (options.reduce === undefined) {
        throw new TypeError(`Cannot emit "${node.reduction.name}": no reduction is expected here`);
      }
      return typed(atom(options.reduce(node)), args[node.param]!.varying, node.type);
    }
  }
}

/** Row-major index of an element from its indices. */
function flatIndex(indices: readonly Operand[], table: Argument): Operand {
  return indices.reduce((outer, index, axis) => {
    const size = atom(table.dims?.[axis] ?? "");
    if (size.text === "") {
      throw new TypeError(`Cannot index "${table.text}": its shape is not given`);
    }
    const scaled = infix("*", PRECEDENCE.multiply, outer, size);
    const code = infix("+", PRECEDENCE.add, scaled, index);
    return { ...code, type: "i32", varying: outer.varying || index.varying };
  });
}
