/**
 * Finds the source of a hook: from the default export along the hook's path (`steps[0].score`) through
 * object literals, array literals and the calls of kerf/dsl that wrap them.
 */

import { Node, type SourceFile } from "ts-morph";
import type { Hook } from "../dsl/types.ts";
import type { Detail, Report } from "./diagnostic.ts";
import {
  asFunction,
  declarationOf,
  declarationOfName,
  type FunctionNode,
  resolveExpression,
  unwrap,
} from "./resolve.ts";

/** The expression that the file exports as its default; undefined when there is none. */
export function defaultExport(file: SourceFile): Node | undefined {
  const assignment = file.getExportAssignment((e) => !e.isExportEquals());
  if (assignment !== undefined) return assignment.getExpression();
  return declarationOf(file.getDefaultExportSymbol());
}

/**
 * The hook's function. A hook the author left out is the default that the declaring function of kerf/dsl
 * gives it: the top-level function of that file with the name the function carries.
 */
export function findHook(root: Node, hook: Hook, report: Report): FunctionNode | undefined {
  let at = resolveExpression(root);
  for (const step of hook.path.split(/[.[\]]+/).filter((s) => s !== "")) {
    const next = child(at, step);
    if (next === undefined) {
      const fallback = defaultHook(at, hook);
      if (fallback === undefined) report("KERF0008", at, missing(hook, step));
      return fallback;
    }
    at = resolveExpression(next);
  }
  const found = asFunction(at);
  if (found === undefined) {
    const message = `Cannot read \`${hook.path}\` as a function`;
    report(Node.isCallExpression(at) ? "KERF0008" : "KERF0101", at, { message });
  }
  return found;
}

/** The author's function; a required hook that is missing has none. */
const runOf = (hook: Hook): Hook["run"] | undefined => hook.run;

const missing = (hook: Hook, step: string): Detail =>
  runOf(hook) === undefined
    ? { message: `Cannot find \`${hook.path}\`: it is missing`, fix: `write \`${step}: (…) => …\`` }
    : { message: `Cannot find the source of \`${hook.path}\`` };

/** What a field of a definition is given; undefined where it is not written out. */
export const fieldOf = (root: Node, field: string): Node | undefined =>
  child(resolveExpression(root), field);

/** One step into an object literal, an array literal or the first argument of a call. */
function child(node: Node, step: string): Node | undefined {
  if (Node.isCallExpression(node)) {
    const first = node.getArguments()[0];
    return first === undefined ? undefined : child(resolveExpression(first), step);
  }
  if (Node.isArrayLiteralExpression(node)) {
    const elements = node.getElements();
    return elements.some(Node.isSpreadElement) ? undefined : elements[Number(step)];
  }
  if (!Node.isObjectLiteralExpression(node)) return undefined;
  const property = node.getProperty(step);
  if (Node.isPropertyAssignment(property)) return property.getInitializer();
  if (Node.isShorthandPropertyAssignment(property)) return declarationOf(property.getValueSymbol());
  return Node.isMethodDeclaration(property) ? property : undefined;
}

function defaultHook(node: Node, hook: Hook): FunctionNode | undefined {
  if (!Node.isCallExpression(node) || hasSpread(node)) return undefined;
  const callee = unwrap(node.getExpression());
  if (!Node.isIdentifier(callee)) return undefined;
  const file = declarationOfName(callee)?.getSourceFile();
  const name = runOf(hook)?.name;
  if (file === undefined || name === undefined) return undefined;
  const declared = file.getVariableDeclaration(name)?.getInitializer() ?? file.getFunction(name);
  return asFunction(declared);
}

/** A spread may hide the hook that seems to be missing. */
function hasSpread(call: Node): boolean {
  if (!Node.isCallExpression(call)) return false;
  const literal = call.getArguments()[0];
  return Node.isObjectLiteralExpression(literal) &&
    literal.getProperties().some(Node.isSpreadAssignment);
}
