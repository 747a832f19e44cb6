/**
 * What a new variant may be called: its name becomes a file's, part of a kernel's in every language, and a
 * word of specs.
 */

import { KerfError } from "../../core/error.ts";
import { C_KEYWORDS } from "../../emit/targets/c/keywords.ts";
import { CUDA_KEYWORDS } from "../../emit/targets/cuda/keywords.ts";
import { WGSL_KEYWORDS } from "../../emit/targets/wgsl/keywords.ts";
import { definitionNames } from "../../engine/registry.ts";
import type { DefinitionFolder } from "../../engine/registry.ts";

const FOLDERS: readonly DefinitionFolder[] = ["attention", "prune", "ops", "storage"];

/** Words of TypeScript, and `none`, which is dense in a spec. */
const WORDS = new Set([
  ...["none", "await", "class", "debugger", "delete", "export", "extends", "finally", "function"],
  ...["import", "in", "instanceof", "let", "new", "null", "package", "super", "this", "throw"],
  ...["try", "typeof", "var", "with", "yield"],
]);

/** @throws {KerfError} exit code 2: no name in small letters, a keyword, or a name that is taken */
export function checkName(kind: string, name: string): void {
  const refuse = (why: string, instead: string): never => {
    throw new KerfError(`Cannot call a variant "${name}": ${why}`, {
      hint: `deno task new ${kind} ${instead}`,
      exitCode: 2,
    });
  };
  if (!/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name)) {
    refuse("a name is small letters and digits, in words with one _ between", nameFrom(name));
  }
  // A registry takes such files for tests.
  if (name.endsWith("_test")) refuse("a file of that name is a test", `${name.slice(0, -5)}_idea`);
  const keywords = [WORDS, C_KEYWORDS, CUDA_KEYWORDS, WGSL_KEYWORDS];
  if (keywords.some((words) => words.has(name))) {
    refuse("it is a word of a language that kernels are written in", `${name}_idea`);
  }
  const folder = FOLDERS.find((folder) => definitionNames(folder).includes(name));
  if (folder) refuse(`kernels/${folder}/${name}.ts is there`, `${name}_2`);
}

/** The nearest name to a word that is none. */
function nameFrom(word: string): string {
  const parts = word.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toLowerCase().split(/[^a-z0-9]+/);
  const name = parts.filter((part) => part !== "").join("_");
  return /^[a-z]/.test(name) ? name : `idea${name === "" ? "" : `_${name}`}`;
}
