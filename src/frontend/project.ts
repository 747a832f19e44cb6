/**
 * The one ts-morph project: kernel files and kerf/dsl against the mini-lib, with the options of deno.json.
 * Resolves "kerf/dsl" and relative paths only; reads source files, writes nothing.
 */

import { dirname, resolve } from "@std/path";
import { Project, ts } from "ts-morph";
import { MINI_LIB } from "./mini_lib.ts";

/** The module that authors import. */
export const DSL_SPECIFIER = "kerf/dsl";

/** Where the sources of kerf/dsl lie, from the project's root. */
export const DSL_FOLDER = "src/dsl";

/** @param root the project's root, absolute, without a trailing slash */
export function createProject(root: string): Project {
  const project = new Project({
    skipAddingFilesFromTsConfig: true,
    skipFileDependencyResolution: true,
    compilerOptions: {
      noLib: true,
      noEmit: true,
      types: [],
      target: ts.ScriptTarget.ESNext,
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      moduleDetection: ts.ModuleDetectionKind.Force,
      allowImportingTsExtensions: true,
      strict: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      noImplicitOverride: true,
      verbatimModuleSyntax: true,
    },
    resolutionHost: () => ({
      resolveModuleNames: (names, from) =>
        names.map((name) => {
          const path = modulePath(root, name, from);
          return path === null ? undefined : {
            resolvedFileName: path,
            extension: ts.Extension.Ts,
            isExternalLibraryImport: false,
          };
        }),
    }),
  });
  project.createSourceFile(`${root}/kerf_mini_lib.d.ts`, MINI_LIB);
  return project;
}

/** The absolute path a specifier names, or null when kernel files cannot import it. */
export function modulePath(root: string, specifier: string, from: string): string | null {
  if (specifier === DSL_SPECIFIER) return `${root}/${DSL_FOLDER}/mod.ts`;
  if (!/^\.\.?\/.*\.ts$/.test(specifier)) return null;
  return resolve(dirname(from), specifier);
}
