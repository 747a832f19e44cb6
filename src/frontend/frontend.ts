/**
 * Files in, IR out: checks a file as TypeScript, runs it to get its definition, and lowers every hook.
 * Reports every problem of every file; throws only for what is no author's mistake.
 */

import { resolve, toFileUrl } from "@std/path";
import type { Node, SourceFile } from "ts-morph";
import type { Definition, Hook } from "../dsl/types.ts";
import type { Func } from "../ir/types.ts";
import { syntaxErrors, typeErrors } from "./check.ts";
import {
  compareDiagnostics,
  type Detail,
  diagnose,
  type Diagnostic,
  spansFrom,
} from "./diagnostic.ts";
import type { Code } from "./codes.ts";
import { defaultExport, findHook } from "./find_hook.ts";
import { lowerFunc, type Session } from "./func.ts";
import { checkImports } from "./imports.ts";
import { createProject, DSL_FOLDER } from "./project.ts";

/** A lowered file. */
export interface LoweredFile {
  /** Path from the project's root. */
  readonly file: string;
  readonly definition: Definition;
  /** By hook path. */
  readonly funcs: Readonly<Record<string, Func>>;
}

/** What came of a file: its IR, or every problem in it. */
export type LowerResult =
  | { readonly ok: true; readonly lowered: LoweredFile }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/** The front end with its one TypeScript project. */
export interface Frontend {
  /** Checks, runs and lowers one file; `path` is absolute or from the root. */
  lowerFile(path: string): Promise<LowerResult>;
  /** Lowers every file; `diagnostics` holds the problems of all of them. */
  lowerAll(paths: readonly string[]): Promise<{
    readonly lowered: readonly LoweredFile[];
    readonly diagnostics: readonly Diagnostic[];
  }>;
}

/**
 * Opens the front end.
 *
 * @param root the project's root: where src/dsl lies
 * @param options `kernels`: the folder that kernel files may import from, `kernels` of the root by default
 */
export function openFrontend(
  root: string,
  options: { readonly kernels?: string } = {},
): Frontend {
  const base = resolve(root);
  const kernels = resolve(base, options.kernels ?? "kernels");
  const project = createProject(base);
  const spanOf = spansFrom(base);
  const reductions: Session["reductions"] = new Map();

  const lowerFile = async (path: string): Promise<LowerResult> => {
    const file = project.addSourceFileAtPath(resolve(base, path));
    const found: Diagnostic[] = syntaxErrors(project, file, spanOf);
    if (found.length > 0) return failed(found);

    const report = (code: Code, at: Node, detail?: Detail) => {
      const source = at.getSourceFile();
      const span = spanOf(source, at.getStart(), at.getEnd());
      found.push(diagnose(code, span, source, detail));
    };
    const mayRun = checkImports(file, { root: base, kernels }, report);
    const root = defaultExport(file);
    if (root === undefined) report("KERF0005", file);
    const definition = mayRun && root !== undefined ? await runFile(file, root, report) : undefined;
    const funcs: Record<string, Func> = {};
    if (definition !== undefined && root !== undefined) {
      const session: Session = {
        report,
        spanAt: (node) => spanOf(node.getSourceFile(), node.getStart(), node.getEnd()),
        isDsl: (node) => node.getSourceFile().getFilePath().startsWith(`${base}/${DSL_FOLDER}/`),
        reductions,
      };
      for (const hook of definition.hooks) {
        const func = lowerHook(session, root, hook, report);
        if (func !== undefined) funcs[hook.path] = func;
      }
    }
    const types = typeErrors(project, file, spanOf);
    found.push(...types.filter((t) => !found.some((f) => overlap(t, f))));
    if (found.length > 0 || definition === undefined) return failed(found);
    const name = file.getFilePath().slice(base.length + 1);
    return { ok: true, lowered: Object.freeze({ file: name, definition, funcs }) };
  };

  const lowerAll = async (paths: readonly string[]) => {
    const results: LowerResult[] = [];
    // All files first: a later addition would make TypeScript check everything again.
    for (const path of paths) project.addSourceFileAtPath(resolve(base, path));
    for (const path of paths) results.push(await lowerFile(path));
    return {
      lowered: results.flatMap((r) => r.ok ? [r.lowered] : []),
      diagnostics: results.flatMap((r) => r.ok ? [] : r.diagnostics),
    };
  };

  return { lowerFile, lowerAll };
}

function failed(found: readonly Diagnostic[]): LowerResult {
  const seen = new Set<string>();
  const diagnostics = found.toSorted(compareDiagnostics).filter((d) => {
    const key = `${d.code} ${d.span.file}:${d.span.line}:${d.span.column}`;
    return seen.has(key) ? false : seen.add(key);
  });
  return { ok: false, diagnostics };
}

function overlap(a: Diagnostic, b: Diagnostic): boolean {
  if (a.span.file !== b.span.file) return false;
  const before = (line: number, column: number, endLine: number, endColumn: number) =>
    line < endLine || (line === endLine && column < endColumn);
  return before(a.span.line, a.span.column, b.span.endLine, b.span.endColumn) &&
    before(b.span.line, b.span.column, a.span.endLine, a.span.endColumn);
}

/** Imports the module and checks what it exports; reports at the default export. */
async function runFile(
  file: SourceFile,
  root: Node,
  report: (code: Code, at: Node, detail?: Detail) => void,
): Promise<Definition | undefined> {
  let exported: unknown;
  try {
    exported = (await import(toFileUrl(file.getFilePath()).href)).default;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    report("KERF0007", root, { message: text.split("\n")[0]! });
    return undefined;
  }
  if (!isDefinition(exported)) {
    report("KERF0006", root);
    return undefined;
  }
  if (/^[A-Za-z][A-Za-z0-9_]*$/.test(exported.name)) return exported;
  report("KERF0010", root, { message: `Cannot use "${exported.name}" as a kernel's name` });
  return undefined;
}

function isDefinition(value: unknown): value is Definition {
  if (typeof value !== "object" || value === null) return false;
  const { kind, name, hooks } = value as Partial<Definition>;
  return typeof kind === "string" && typeof name === "string" && Array.isArray(hooks);
}

function lowerHook(
  session: Session,
  root: Node,
  hook: Hook,
  report: Session["report"],
): Func | undefined {
  const fn = findHook(root, hook, report);
  const name = hook.path.split(".").at(-1)!;
  return fn && lowerFunc(session, fn, { name, args: hook.args, results: hook.results });
}
