/**
 * Finds definitions by their folder: a file of kernels/<kind>/ is the variant of its name. No list is
 * kept anywhere, so a new file is a new variant.
 */

import { KerfError } from "../core/error.ts";
import { nearest } from "../core/nearest.ts";
import type { Definition } from "../dsl/types.ts";

/** The folders of kernels/. */
export type DefinitionFolder = "attention" | "prune" | "ops" | "storage";

/** Kernels' folder; tests point it elsewhere. */
export const KERNELS_ROOT: URL = new URL("../../kernels/", import.meta.url);

/** The names in a folder, sorted; `_x.ts` is a part of others. */
export function definitionNames(folder: DefinitionFolder, root: URL = KERNELS_ROOT): string[] {
  const names: string[] = [];
  for (const entry of Deno.readDirSync(new URL(`${folder}/`, root))) {
    const { name, isFile } = entry;
    if (isFile && /\.ts$/.test(name) && !/^_|_test\.ts$/.test(name)) names.push(name.slice(0, -3));
  }
  return names.sort();
}

/**
 * Loads the definition that a file exports as its default.
 *
 * @throws {KerfError} exit code 2: no such file; 1: it cannot be loaded, or declares something else
 */
export async function loadDefinition<D extends Definition>(
  folder: DefinitionFolder,
  name: string,
  root: URL = KERNELS_ROOT,
): Promise<D> {
  const names = definitionNames(folder, root);
  if (!names.includes(name)) {
    const near = nearest(name, names);
    throw new KerfError(`Cannot use "${name}": kernels/${folder}/ has no such file`, {
      hint: [...(near ? [`did you mean ${near}?`] : []), `there are: ${names.join(", ")}`],
      exitCode: 2,
    });
  }
  const file = `kernels/${folder}/${name}.ts`;
  const module: { default?: D } = await import(new URL(`${folder}/${name}.ts`, root).href)
    .catch((cause) => {
      throw brokenFile(name, file, cause);
    });
  if (!module.default || typeof module.default.kind !== "string") {
    throw new KerfError(`Cannot use "${name}": it exports no definition as its default`, {
      where: file,
      hint: "export default pruning({ … }) or attention({ … })",
    });
  }
  if (folder !== "storage" && module.default.name !== name) {
    throw new KerfError(`Cannot use "${name}": its definition is named "${module.default.name}"`, {
      where: file,
      hint: `name it "${name}", as the file is`,
    });
  }
  return module.default;
}

/** What is wrong with a file that throws while it is read, and where in it. */
function brokenFile(name: string, file: string, cause: unknown): KerfError {
  const { message, stack = "" } = cause instanceof Error ? cause : new Error(String(cause));
  const place = stack.split(`${file.slice(file.lastIndexOf("/"))}:`)[1]?.match(/^\d+:\d+/)?.[0];
  return new KerfError(`Cannot use "${name}": ${message.split("\n")[0]}`, {
    where: place === undefined ? file : `${file}:${place}`,
    hint: "deno task gen, which shows every problem in its line",
    cause,
  });
}
