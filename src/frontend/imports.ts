/**
 * What a kernel file may import: "kerf/dsl" and other files of its kernels folder. Checked before the
 * module is run.
 */

import { type SourceFile, SyntaxKind } from "ts-morph";
import type { Report } from "./diagnostic.ts";
import { DSL_SPECIFIER, modulePath } from "./project.ts";

/** Where imports may lead. */
export interface ImportRules {
  /** The project's root, absolute. */
  readonly root: string;
  /** The kernels folder, absolute, without a trailing slash. */
  readonly kernels: string;
}

/** Reports every import, re-export and import() that leads elsewhere; returns whether all are allowed. */
export function checkImports(file: SourceFile, rules: ImportRules, report: Report): boolean {
  let allowed = true;
  const specifiers = [...file.getImportDeclarations(), ...file.getExportDeclarations()]
    .flatMap((declaration) => declaration.getModuleSpecifier() ?? []);
  for (const specifier of specifiers) {
    const name = specifier.getLiteralText();
    if (name === DSL_SPECIFIER) continue;
    const path = modulePath(rules.root, name, file.getFilePath());
    if (path !== null && path.startsWith(`${rules.kernels}/`)) continue;
    allowed = false;
    report("KERF0004", specifier, { message: `Cannot import "${name}" into a kernel file` });
  }
  if (!file.getFullText().includes("import(")) return allowed;
  for (const call of file.getDescendantsOfKind(SyntaxKind.CallExpression)) {
    if (!call.getExpression().isKind(SyntaxKind.ImportKeyword)) continue;
    allowed = false;
    report("KERF0004", call, {
      message: "Cannot import a module while a kernel file runs",
      fix: 'write `import { … } from "kerf/dsl"` at the top of the file',
    });
  }
  return allowed;
}
