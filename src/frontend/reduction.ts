/**
 * Declared reductions: from `reduction({ name, init, step, merge, finish })` in a kernel file or kerf/dsl
 * to IR. The three parts are functions of two f32, lowered as hooks are.
 */

import { type CallExpression, Node, type ObjectLiteralExpression } from "ts-morph";
import { scalar } from "../dsl/types.ts";
import { FuncBuilder } from "../ir/builder.ts";
import type { Func, Reduction } from "../ir/types.ts";
import { lowerExpression } from "./expression.ts";
import { lowerFunc, type Session } from "./func.ts";
import { asFunction, resolveExpression, unwrap } from "./resolve.ts";

/** The reduction a call declares, made once; undefined after a report. */
export function reductionOf(session: Session, call: CallExpression): Reduction | undefined {
  const known = session.reductions.get(call);
  if (known !== undefined) return known;
  const made = makeReduction(session, call);
  // A refused one is reported again for every file that uses it.
  if (made !== undefined) session.reductions.set(call, made);
  return made;
}

function makeReduction(session: Session, call: CallExpression): Reduction | undefined {
  const argument = call.getArguments()[0];
  const spec = argument && unwrap(argument);
  if (!Node.isObjectLiteralExpression(spec)) {
    session.report("KERF0404", call);
    return undefined;
  }
  const name = nameOf(session, spec);
  const init = initOf(session, spec);
  const [step, merge, finish] = ["step", "merge", "finish"].map((part) =>
    partOf(session, spec, part)
  );
  if (!step || !merge || !finish || init === undefined || name === undefined) return undefined;
  return Object.freeze({ name, init, step, merge, finish });
}

const f = scalar("f32");

function partOf(session: Session, spec: ObjectLiteralExpression, part: string): Func | undefined {
  const property = spec.getProperty(part);
  const value = Node.isPropertyAssignment(property) ? property.getInitializer() : property;
  const fn = asFunction(value && resolveExpression(value));
  if (fn !== undefined) {
    return lowerFunc(session, fn, { name: part, args: [f, f], results: ["f32"] });
  }
  session.report("KERF0404", property ?? spec, {
    message: `Cannot find the source of its ${part}`,
  });
  return undefined;
}

function valueOf(spec: ObjectLiteralExpression, field: string): Node | undefined {
  const property = spec.getProperty(field);
  const value = Node.isPropertyAssignment(property) ? property.getInitializer() : undefined;
  return value && unwrap(value);
}

function nameOf(session: Session, spec: ObjectLiteralExpression): string | undefined {
  const node = valueOf(spec, "name");
  if (Node.isStringLiteral(node)) return node.getLiteralText();
  session.report("KERF0404", node ?? spec, { message: "Cannot find the name of the reduction" });
  return undefined;
}

/** A constant number that f32 can hold: no target has a portable infinity. */
function initOf(session: Session, spec: ObjectLiteralExpression): number | undefined {
  const node = valueOf(spec, "init");
  if (node === undefined) {
    session.report("KERF0404", spec, { message: "Cannot find the init of the reduction" });
    return undefined;
  }
  const builder = new FuncBuilder("init", session.spanAt(node));
  const value = lowerExpression(
    {
      ...session,
      builder,
      active: [],
      guards: [],
      reductionOf: () => undefined,
      expression: lowerExpression,
    },
    new Map(),
    node,
  );
  if (value.kind === "nothing") return undefined;
  if (value.kind === "literal" && Number.isFinite(Math.fround(value.value))) return value.value;
  session.report("KERF0306", node, {
    message: "The init of a reduction is a finite constant number",
    fix: "for a maximum of values ≥ 0 write 0; of any values -3.4e38",
  });
  return undefined;
}
