/** Whether a variant has its file's name: specs and flags look for the file. Other definitions are found by name. */

import type { Node, SourceFile } from "ts-morph";
import type { Definition } from "../dsl/types.ts";
import type { Report } from "./diagnostic.ts";
import { fieldOf } from "./find_hook.ts";

/** The folders whose files are variants. */
const VARIANT_FOLDERS: readonly string[] = ["attention", "prune"];

/** Reports a variant of another name than its file's, at the name where it is written out. */
export function checkFileName(
  file: SourceFile,
  { exported, definition, report }: {
    readonly exported: Node;
    readonly definition: Definition;
    readonly report: Report;
  },
): void {
  const stem = file.getBaseNameWithoutExtension();
  const { name } = definition;
  if (name === stem || !VARIANT_FOLDERS.includes(file.getDirectory().getBaseName())) return;
  report("KERF0011", fieldOf(exported, "name") ?? exported, {
    message: `Cannot declare "${name}" in ${stem}.ts`,
    fix: `write \`name: "${stem}"\`, or name the file ${name}.ts`,
  });
}
