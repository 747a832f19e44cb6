/**
 * The lint rules of this project: imports point one way (ARCHITECTURE.md's table), what is dangerous or
 * heavy has one importer, and code that all targets share names none. Tests may do what they test.
 */

import { dirname, fromFileUrl, join, relative } from "@std/path";
import { TARGETS } from "../src/core/manifest.ts";

const root = fromFileUrl(new URL("../", import.meta.url));

/** Folder → folders it may import. `kernels` and `src` are the files right inside. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  "src/core": [],
  "src/sys": ["src/core"],
  "src/ir": ["src/core"],
  "src/layout": ["src/core", "src/ir"],
  "src/dsl": ["src/core", "src/ir", "src/layout"],
  "src/frontend": ["src/core", "src/ir", "src/dsl"],
  "src/reference": ["src/core", "src/ir", "src/layout", "src/dsl"],
  "src/emit": ["src/core", "src/ir", "src/layout", "src/dsl", "src/frontend"],
  "src/verify": [
    ...["src/core", "src/sys", "src/ir", "src/layout", "src/dsl", "src/reference", "src/emit"],
    "src/device",
  ],
  "src/build": ["src/core", "src/sys"],
  "src/device": ["src/core", "src/sys", "src/build"],
  "src/model": ["src/core", "src/sys"],
  "src/engine": [
    ...["src/core", "src/layout", "src/dsl", "src/build", "src/device", "src/model", "src/sys"],
  ],
  "src/eval": [
    ...["src/core", "src/sys", "src/layout", "src/build", "src/device", "src/model", "src/engine"],
  ],
  "kernels": ["src/dsl"],
};

/** Package → the only folder that may import it. */
const ONLY: Readonly<Record<string, string>> = {
  "ts-morph": "src/frontend",
  "nunjucks": "src/emit",
  "vega": "src/eval",
  "vega-lite": "src/eval",
};

const folderOf = (path: string) =>
  path.startsWith("kernels/") ? "kernels" : path.split("/").slice(0, 2).join("/");

const isTest = (path: string) => /(_test|testing)\.ts$/.test(path) || path.startsWith("tests/");

/** The project path an import names, or undefined for a package. */
function target(specifier: string, from: string): string | undefined {
  if (specifier === "kerf/dsl") return "src/dsl/mod.ts";
  if (specifier === "kerf") return "src/mod.ts";
  return specifier.startsWith(".") ? join(dirname(from), specifier) : undefined;
}

/** Why `from` may not import `specifier`, or undefined when it may. */
export function importProblem(from: string, specifier: string): string | undefined {
  if (isTest(from)) return undefined;
  const only = ONLY[specifier];
  if (only !== undefined && folderOf(from) !== only) {
    return `only ${only} may import ${specifier}`;
  }
  const to = target(specifier, from);
  const allowed = ALLOWED[folderOf(from)];
  if (to === undefined || allowed === undefined) return undefined;
  const toFolder = folderOf(to);
  if (toFolder === folderOf(from) || allowed.includes(toFolder)) return undefined;
  return `${folderOf(from)} may not import ${toFolder}: imports point one way`;
}

/** Folders whose code all targets share. */
const SHARED = /^src\/(core|dsl|emit|engine|frontend|ir|layout|model|reference)\//;

/** What may name targets in them: the one list, and each target's own folder. */
const OWN = /^src\/(core\/manifest\.ts$|emit\/targets\/)/;

/** The target that a text of `from` names, alone or in a path, where it may not; else undefined. */
export function namedTarget(from: string, text: string): string | undefined {
  if (isTest(from) || !SHARED.test(from) || OWN.test(from)) return undefined;
  return text.split("/").find((part) => (TARGETS as readonly string[]).includes(part));
}

/** Members of Deno that only src/sys may touch. */
const SYS_ONLY = ["Command", "dlopen"];

const path = (context: Deno.lint.RuleContext) => relative(root, context.filename);

const plugin: Deno.lint.Plugin = {
  name: "kerf",
  rules: {
    "import-direction": {
      create(context) {
        const from = path(context);
        const check = (node: Deno.lint.Node, specifier: unknown) => {
          const problem = typeof specifier === "string"
            ? importProblem(from, specifier)
            : undefined;
          if (problem) context.report({ node, message: problem, hint: "see ARCHITECTURE.md" });
        };
        return {
          ImportDeclaration: (node) => check(node, node.source.value),
          ExportNamedDeclaration: (node) => node.source && check(node, node.source.value),
          ExportAllDeclaration: (node) => check(node, node.source.value),
        };
      },
    },
    "target-names": {
      create(context) {
        const from = path(context);
        const check = (node: Deno.lint.Node, text: unknown) => {
          const name = typeof text === "string" ? namedTarget(from, text) : undefined;
          if (name === undefined) return;
          context.report({
            node,
            message: `only src/emit/targets/ may name "${name}": this code serves every target`,
            hint: "ask a property of the target (src/emit/target.ts) or of the device",
          });
        };
        return {
          Literal: (node) => check(node, node.value),
          TemplateElement: (node) => check(node, node.cooked),
          MemberExpression({ property }) {
            // A letter alone is a channel more often than a target.
            const isName = property.type === "Identifier" && property.name.length > 1;
            if (isName) check(property, property.name);
          },
        };
      },
    },
    "sys-only": {
      create(context) {
        const from = path(context);
        return {
          MemberExpression(node) {
            const { object, property } = node;
            if (object.type !== "Identifier" || property.type !== "Identifier") return;
            if (isTest(from) || folderOf(from) === "src/sys") return;
            if (object.name === "Deno" && SYS_ONLY.includes(property.name)) {
              context.report({ node, message: `only src/sys may use Deno.${property.name}` });
            }
            const gpu = object.name === "navigator" && property.name === "gpu";
            if (gpu && !from.startsWith("src/device/webgpu/")) {
              context.report({ node, message: "only src/device/webgpu may use navigator.gpu" });
            }
          },
        };
      },
    },
  },
};

export default plugin;
