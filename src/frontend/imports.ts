/**
 * What a kernel file may import: "kerf/dsl" and other files of its kernels folder. Checked before the
 * module is run, through all files it imports.
 */

import { type Project, type SourceFile, SyntaxKind } from "ts-morph";
import type { Report } from "./diagnostic.ts";
import { DSL_SPECIFIER, modulePath } from "./project.ts";

/** Where imports may lead. */
export interface ImportRules {
  /** The project's root, absolute. */
  readonly root: string;
  /** The kernels folder, absolute, without a trailing slash. */
  readonly kernels: string;
}

/**
 * A file and all kernel files that it imports, directly or not, the file first. Reports every import,
 * re-export and import() that leads elsewhere or to no file.
 */
export function importedFiles(
  project: Project,
  start: SourceFile,
  rules: ImportRules,
  report: Report,
): readonly SourceFile[] {
  const files = new Set([start]);
  for (const file of files) {
    const declarations = [...file.getImportDeclarations(), ...file.getExportDeclarations()]
      // In a file with syntax errors anything may stand there.
      .filter((d) => d.compilerNode.moduleSpecifier?.kind === SyntaxKind.StringLiteral);
    for (const specifier of declarations.flatMap((d) => d.getModuleSpecifier() ?? [])) {
      const name = specifier.getLiteralText();
      if (name === DSL_SPECIFIER) continue;
      const path = modulePath(rules.root, name, file.getFilePath());
      if (path === null || !path.startsWith(`${rules.kernels}/`)) {
        report("KERF0004", specifier, { message: `Cannot import "${name}" into a kernel file` });
        continue;
      }
      const imported = project.addSourceFileAtPathIfExists(path);
      if (imported !== undefined) files.add(imported);
      else {
        report("KERF0004", specifier, {
          message: `Cannot import "${name}": there is no such file`,
          fix: "correct the path; it is relative to this file and ends in .ts",
        });
      }
    }
    refuseDynamicImports(file, report);
  }
  return [...files];
}

function refuseDynamicImports(file: SourceFile, report: Report): void {
  if (!file.getFullText().includes("import(")) return;
  for (const call of file.getDescendantsOfKind(SyntaxKind.CallExpression)) {
    if (!call.getExpression().isKind(SyntaxKind.ImportKeyword)) continue;
    report("KERF0004", call, {
      message: "Cannot import a module while a kernel file runs",
      fix: 'write `import { … } from "kerf/dsl"` at the top of the file',
    });
  }
}
