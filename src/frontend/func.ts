/**
 * A hook's function as an IR `Func`: parameters from the schema, body, results converted to the declared
 * types. Also makes reductions, whose three parts are functions of two f32.
 */

import { Node } from "ts-morph";
import { scalar } from "../dsl/types.ts";
import type { HookArg } from "../dsl/types.ts";
import { FuncBuilder } from "../ir/builder.ts";
import type { Func, Reduction, Scalar, Span } from "../ir/types.ts";
import { lowerBody } from "./body.ts";
import type { Report } from "./diagnostic.ts";
import { lowerExpression } from "./expression.ts";
import { idAs, type Lowering } from "./lowering.ts";
import { bindParameters } from "./parameters.ts";
import { asFunction, type FunctionNode, resolveExpression, unwrap } from "./resolve.ts";
import type { Lowered } from "./value.ts";

/** What lowering a file shares: the reporter, positions, and reductions already made. */
export interface Session {
  readonly report: Report;
  readonly spanAt: (node: Node) => Span;
  readonly isDsl: (node: Node) => boolean;
  readonly reductions: Map<Node, Reduction | undefined>;
}

/** What a function is lowered as. */
export interface FuncSchema {
  readonly name: string;
  readonly args: readonly HookArg[];
  readonly results: readonly Scalar[];
}

/** The function as IR; undefined after a report. */
export function lowerFunc(
  session: Session,
  fn: FunctionNode,
  schema: FuncSchema,
): Func | undefined {
  const builder = new FuncBuilder(schema.name, session.spanAt(fn));
  const l: Lowering = {
    ...session,
    builder,
    active: [fn],
    guards: [],
    reductionOf: (declaration, name) => reductionOf(session, declaration, name),
    expression: lowerExpression,
  };
  const scope = bindParameters(l, fn, schema.args);
  const expected = schema.results.length === 1 ? { expected: schema.results[0]! } : {};
  const value = lowerBody(l, scope, fn, expected);
  const ids = results(l, value, schema.results, resultNode(fn));
  return ids === undefined ? undefined : builder.finish(ids);
}

/** Where a wrong result is shown: the body's expression, or the last return. */
function resultNode(fn: FunctionNode): Node {
  const body = fn.getBody() ?? fn;
  if (!Node.isBlock(body)) return body;
  const last = body.getStatements().findLast(Node.isReturnStatement);
  return last?.getExpression() ?? fn;
}

function results(
  l: Lowering,
  value: Lowered,
  types: readonly Scalar[],
  at: Node,
): number[] | undefined {
  if (value.kind === "nothing") return undefined;
  const items = value.kind === "tuple" ? value.items : [value];
  const n = types.length;
  if (items.length !== n || (value.kind === "tuple" && n === 1)) {
    const given = value.kind === "tuple" ? `an array of ${items.length}` : "1 value";
    const wanted = n === 1 ? "1 value" : `an array of ${n}`;
    l.report("KERF0113", at, { message: `The hook returns ${wanted}, not ${given}` });
    return undefined;
  }
  const elements = unwrap(at);
  const ids = items.map((item, i) => {
    const element = Node.isArrayLiteralExpression(elements) ? elements.getElements()[i] : at;
    return idAs(l, item, types[i]!, element ?? at);
  });
  return ids.some((id) => id === undefined) ? undefined : ids as number[];
}

/** The reduction that `const name = reduction({ … })` declares, made once per declaration. */
function reductionOf(session: Session, declaration: Node, name: string): Reduction | undefined {
  if (session.reductions.has(declaration)) return session.reductions.get(declaration);
  const made = makeReduction(session, declaration, name);
  session.reductions.set(declaration, made);
  return made;
}

const PARTS = ["step", "merge", "finish"] as const;

function makeReduction(session: Session, declaration: Node, name: string): Reduction | undefined {
  const call = resolveExpression(declaration);
  const spec = Node.isCallExpression(call) ? call.getArguments()[0] : undefined;
  const literal = spec && unwrap(spec);
  if (!Node.isObjectLiteralExpression(literal)) {
    session.report("KERF0404", declaration);
    return undefined;
  }
  const f = scalar("f32");
  const parts = PARTS.map((part): Func | undefined => {
    const property = literal.getProperty(part);
    const initializer = Node.isPropertyAssignment(property) ? property.getInitializer() : property;
    const fn = asFunction(initializer && resolveExpression(initializer));
    if (fn === undefined) {
      session.report("KERF0404", literal, { message: `Cannot find the ${part} of ${name}` });
      return undefined;
    }
    return lowerFunc(session, fn, { name: part, args: [f, f], results: ["f32"] });
  });
  const init = initOf(session, literal);
  const [step, merge, finish] = parts;
  if (!step || !merge || !finish || init === undefined) return undefined;
  return Object.freeze({ name, init, step, merge, finish });
}

/** The reduction's init, a constant number that f32 can hold. */
function initOf(session: Session, literal: Node): number | undefined {
  if (!Node.isObjectLiteralExpression(literal)) return undefined;
  const property = literal.getProperty("init");
  const node = Node.isPropertyAssignment(property) ? property.getInitializer() : undefined;
  if (node === undefined) {
    session.report("KERF0404", literal, { message: "Cannot find the init of the reduction" });
    return undefined;
  }
  const value = lowerExpression(constantsOnly(session, node), new Map(), node);
  if (value.kind === "nothing") return undefined;
  if (value.kind === "literal" && Number.isFinite(Math.fround(value.value))) return value.value;
  session.report("KERF0306", node, {
    message: "The init of a reduction is a finite constant number",
    fix: "for a maximum of values ≥ 0 write 0; for any values -3.4e38",
  });
  return undefined;
}

const constantsOnly = (session: Session, at: Node): Lowering => ({
  ...session,
  builder: new FuncBuilder("init", session.spanAt(at)),
  active: [],
  guards: [],
  reductionOf: () => undefined,
  expression: lowerExpression,
});
