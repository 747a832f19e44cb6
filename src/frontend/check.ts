/**
 * TypeScript's own errors as Kerf's diagnostics. A few get a code of their own, because their TypeScript
 * wording hides what an author should do; all others keep TypeScript's sentence.
 */

import { type SourceFile, ts } from "ts-morph";
import type { Project } from "ts-morph";
import * as dsl from "../dsl/mod.ts";
import type { Code } from "./codes/mod.ts";
import { type Detail, diagnose, type Diagnostic, type SpanOf } from "./diagnostic.ts";

/** Names of browsers and Deno that the mini-lib leaves out on purpose. */
const IMPURE_NAMES: ReadonlySet<string> = new Set([
  "Date",
  "performance",
  "crypto",
  "Temporal",
  "console",
  "fetch",
  "setTimeout",
  "setInterval",
  "queueMicrotask",
  "Deno",
  "process",
  "globalThis",
  "window",
  "navigator",
  "document",
  "localStorage",
  "WeakRef",
  "Atomics",
  "SharedArrayBuffer",
]);

/** The file's syntax errors: when there are any, nothing else can be said about it. */
export function syntaxErrors(
  project: Project,
  file: SourceFile,
  root: string,
  spanOf: SpanOf,
): Diagnostic[] {
  const errors = project.getProgram().compilerObject.getSyntacticDiagnostics(file.compilerNode);
  return errors.map((error) => translate(error, file, root, spanOf, "KERF0001"));
}

/** The file's type errors against the mini-lib. */
export function typeErrors(
  project: Project,
  file: SourceFile,
  root: string,
  spanOf: SpanOf,
): Diagnostic[] {
  const errors = project.getProgram().compilerObject.getSemanticDiagnostics(file.compilerNode);
  return errors.map((error) => translate(error, file, root, spanOf, "KERF0002"));
}

function translate(
  error: ts.Diagnostic,
  file: SourceFile,
  root: string,
  spanOf: SpanOf,
  fallback: Code,
): Diagnostic {
  const start = error.start ?? 0;
  const span = spanOf(file, start, start + (error.length ?? 0));
  const text = ts.flattenDiagnosticMessageText(error.messageText, " ").replace(/\s+/g, " ")
    .replaceAll(`${root}/`, "");
  const marked = file.getFullText().slice(start, start + (error.length ?? 0));
  const [code, detail] = classify(text, marked) ?? [fallback, { message: withoutPeriod(text) }];
  return diagnose(code, span, file, detail);
}

const withoutPeriod = (text: string): string => text.replace(/\.$/, "");

function classify(text: string, marked: string): [Code, Detail] | null {
  if (/^Property 'random' does not exist on type 'Math'/.test(text)) {
    return ["KERF0201", { message: "Cannot use Math.random in a kernel file" }];
  }
  const name = /^Cannot find name '([\w$]+)'/.exec(text)?.[1];
  if (name !== undefined) {
    const message = `Cannot use "${name}" in a kernel file`;
    if (IMPURE_NAMES.has(name)) return ["KERF0201", { message }];
    const nearest = /Did you mean (?:the \w+ )?'([^']+)'/.exec(text)?.[1];
    const fix = Object.hasOwn(dsl, name)
      ? `import { ${name} } from "kerf/dsl"`
      : nearest && `write \`${nearest}\``;
    return ["KERF0003", { message: `Cannot find "${name}"`, ...(fix ? { fix } : {}) }];
  }
  const isUndefined = /possibly 'undefined'|'number \| undefined' is not assignable/.test(text);
  if (isUndefined && marked.endsWith("]")) {
    return ["KERF0009", { message: `\`${marked}\` may be undefined` }];
  }
  return null;
}
