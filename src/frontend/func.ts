/**
 * One function as an IR `Func`: parameters from the schema, body, results converted to the declared types.
 * Serves hooks and the parts of reductions.
 */

import { type CallExpression, Node } from "ts-morph";
import type { HookArg } from "../dsl/types.ts";
import { FuncBuilder } from "../ir/builder.ts";
import type { Func, Reduction, Scalar, Span } from "../ir/types.ts";
import { lowerBody } from "./body.ts";
import type { Report } from "./diagnostic.ts";
import { lowerExpression } from "./expression.ts";
import { idAs, type Lowering } from "./lowering.ts";
import { bindParameters } from "./parameters.ts";
import { reductionOf } from "./reduction.ts";
import { type FunctionNode, unwrap } from "./resolve.ts";
import type { Lowered } from "./value.ts";

/** What lowering a file shares: the reporter, positions, and reductions already made. */
export interface Session {
  readonly report: Report;
  readonly spanAt: (node: Node) => Span;
  readonly isDsl: (node: Node) => boolean;
  /** By the call that declares them. */
  readonly reductions: Map<CallExpression, Reduction>;
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
    reductionOf: (call) => reductionOf(session, call),
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
