/**
 * Files in, IR out: checks a file as TypeScript, runs it to get its definition, and lowers every hook.
 * Reports every problem of every file; throws only for what is no author's mistake.
 */

import { resolve } from "@std/path";
import { Node, type Project } from "ts-morph";
import type { Definition, Hook } from "../dsl/types.ts";
import type { Func } from "../ir/types.ts";
import { syntaxErrors, typeErrors } from "./check.ts";
import {
  diagnose,
  type Diagnostic,
  inOrder,
  overlap,
  type Report,
  type SpanOf,
  spansFrom,
} from "./diagnostic.ts";
import { checkFileName } from "./file_name.ts";
import { defaultExport, findHook } from "./find_hook.ts";
import { lowerFunc, type Session } from "./func.ts";
import { importedFiles, type ImportRules } from "./imports.ts";
import { createProject, DSL_FOLDER } from "./project.ts";
import { runModule } from "./run_module.ts";

/** A lowered file. */
export interface LoweredFile {
  /** Path from the project's root. */
  readonly file: string;
  /** The file and every kernel file that it imports, directly or not. */
  readonly files: readonly string[];
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

/** Where things are, and what files share. */
interface Setup {
  readonly project: Project;
  readonly rules: ImportRules;
  readonly spanOf: SpanOf;
  readonly reductions: Session["reductions"];
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
  const setup: Setup = {
    project: createProject(base),
    rules: { root: base, kernels: resolve(base, options.kernels ?? "kernels") },
    spanOf: spansFrom(base),
    reductions: new Map(),
  };
  const lowerFile = (path: string) => lowerOne(setup, resolve(base, path));
  const lowerAll = async (paths: readonly string[]) => {
    // All files first: a later addition would make TypeScript check everything again.
    for (const path of paths) setup.project.addSourceFileAtPath(resolve(base, path));
    const results: LowerResult[] = [];
    for (const path of paths) results.push(await lowerFile(path));
    return {
      lowered: results.flatMap((r) => r.ok ? [r.lowered] : []),
      diagnostics: inOrder(results.flatMap((r) => r.ok ? [] : r.diagnostics)),
    };
  };
  return { lowerFile, lowerAll };
}

async function lowerOne(setup: Setup, path: string): Promise<LowerResult> {
  const { project, spanOf } = setup;
  const file = project.addSourceFileAtPath(path);
  const found: Diagnostic[] = [];
  const report: Report = (code, at, detail) => {
    const source = at.getSourceFile();
    const span = spanOf(source, at.getStart(), Node.isSourceFile(at) ? at.getStart() : at.getEnd());
    found.push(diagnose(code, span, source, detail));
  };
  const files = importedFiles(project, file, setup.rules, report);
  const syntax = files.flatMap((f) => syntaxErrors(project, f, setup.rules.root, spanOf));
  if (syntax.length > 0) return { ok: false, diagnostics: inOrder([...found, ...syntax]) };

  const mayRun = found.length === 0;
  const exported = defaultExport(file);
  if (exported === undefined) report("KERF0005", file);
  const definition = mayRun && exported !== undefined
    ? await runModule(file, exported, report)
    : undefined;
  if (definition !== undefined) checkFileName(file, { exported: exported!, definition, report });
  const { funcs, refused } = definition !== undefined && exported !== undefined
    ? lowerHooks(setup, exported, definition, report)
    : { funcs: {}, refused: [] };

  // Where Kerf has said what is wrong, TypeScript's wording of it would only repeat it.
  const said = found.map((d) => d.span);
  const repeats = (d: Diagnostic) =>
    d.code === "KERF0002" && (said.some((s) => overlap(d.span, s)) || refused.includes(marked(d)));
  const types = files.flatMap((f) => typeErrors(project, f, setup.rules.root, spanOf));
  found.push(...types.filter((d) => !repeats(d)));
  if (refused.length > 0 && found.length === 0) {
    throw new Error(`Hooks of ${path} were refused without a diagnostic: ${refused.join(", ")}`);
  }
  if (found.length > 0 || definition === undefined) {
    return { ok: false, diagnostics: inOrder(found) };
  }
  const [name, ...imported] = files.map((f) => f.getFilePath().slice(setup.rules.root.length + 1));
  const lowered = { file: name!, files: [name!, ...imported], definition, funcs };
  return { ok: true, lowered: Object.freeze(lowered) };
}

/** The text a diagnostic marks on its line. */
const marked = ({ excerpt, span }: Diagnostic): string =>
  excerpt.at(-1)?.text.slice(span.column - 1, span.endColumn - 1) ?? "";

/** Lowers every hook; `refused` names those with problems, where TypeScript marks a wrong result. */
function lowerHooks(setup: Setup, exported: Node, definition: Definition, report: Report) {
  const { spanOf, rules, reductions } = setup;
  const spanAt = (node: Node) => spanOf(node.getSourceFile(), node.getStart(), node.getEnd());
  const dsl = `${rules.root}/${DSL_FOLDER}/`;
  const isDsl = (node: Node) => node.getSourceFile().getFilePath().startsWith(dsl);
  const session: Session = { report, spanAt, isDsl, reductions };
  const funcs: Record<string, Func> = {};
  const refused: string[] = [];
  for (const hook of definition.hooks) {
    const fn = findHook(exported, hook, report);
    const schema = schemaOf(hook);
    const func = fn && lowerFunc(session, fn, schema);
    if (func === undefined) refused.push(schema.name);
    else funcs[hook.path] = func;
  }
  return { funcs, refused };
}

const schemaOf = (hook: Hook) => ({
  name: hook.path.split(".").at(-1)!,
  args: hook.args,
  results: hook.results,
});
