/** The passages to evaluate on: of the files and folders the user named, else Moby Dick's. */

import { basename, join } from "@std/path";
import { KerfError } from "../../core/error.ts";
import {
  chapterPassages,
  cutPassages,
  defaultChapterNumbers,
  mobyDickChapters,
} from "../../eval/mod.ts";
import type { NamedText, Passage } from "../../eval/mod.ts";
import { cacheDir } from "../../sys/cache_dir.ts";
import { readUserFile } from "../prompt.ts";
import { userPath } from "../root.ts";
import { openProgress } from "../terminal.ts";
import type { EvalFlags } from "./options.ts";

/** Passages, and what is to be said about texts that made none. */
export interface Passages {
  readonly passages: readonly Passage[];
  readonly said: readonly string[];
}

/** The files of a folder in the order of their names; of a file itself. Hidden ones are not meant. */
function filesOf(path: string): { readonly files: string[]; readonly isFolder: boolean } {
  const isFolder = isFolderAt(userPath(path));
  if (!isFolder) return { files: [path], isFolder };
  const files = [...Deno.readDirSync(userPath(path))]
    .filter(({ name, isFile }) => isFile && !name.startsWith("."))
    .map(({ name }) => join(path, name)).sort();
  return { files, isFolder };
}

function isFolderAt(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch (error) {
    // Reading the file says what is wrong with it.
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** The chapters of the default text. */
export async function defaultChapters(): Promise<string[]> {
  const drawer = openProgress();
  try {
    return await mobyDickChapters({
      cacheDir: cacheDir(),
      onProgress: (label) => drawer.draw({ label, done: 0, total: 1 }),
    });
  } finally {
    drawer.end();
  }
}

/** Passages of Moby Dick. @throws {KerfError} exit code 2: there is no such chapter, or too little behind it */
async function ofChapters(
  numbers: readonly number[],
  options: Parameters<typeof chapterPassages>[2],
): Promise<Passage[]> {
  try {
    return chapterPassages(await defaultChapters(), numbers, options);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new KerfError(`Cannot evaluate on chapters ${numbers.join()}: ${error.message}`, {
      hint: "--chapters 3,54,81",
      exitCode: 2,
    });
  }
}

/** The user's texts as one, in their order. @throws {KerfError} a file cannot be read */
export const joinedTexts = (paths: readonly string[]): string =>
  paths.flatMap((path) => filesOf(path).files).map((file) => readUserFile(file).replace(/\n+$/, ""))
    .join("\n\n");

/**
 * Passages of `nTokens` tokens.
 *
 * @param flags.texts files, each one passage, and folders, whose files that are too short are left out
 * @param flags.chapters of Moby Dick, where no texts are named; empty: the default ones
 * @throws {KerfError} a file cannot be read or is too short, or no passage is left
 */
export async function passagesOf(
  { texts: paths, chapters }: Pick<EvalFlags, "texts" | "chapters">,
  nTokens: number,
  encode: (text: string) => readonly number[],
): Promise<Passages> {
  if (paths.length === 0) {
    const numbers = chapters.length > 0 ? chapters : defaultChapterNumbers(nTokens);
    return { passages: await ofChapters(numbers, { nTokens, encode }), said: [] };
  }
  const passages: Passage[] = [];
  const said: string[] = [];
  for (const path of paths) {
    const { files, isFolder } = filesOf(path);
    const texts = files.map((file): NamedText => ({ name: file, text: readUserFile(file) }));
    const cut = cutPassages(texts, nTokens, encode);
    passages.push(...cut.passages.map((passage) => ({ ...passage, name: basename(passage.name) })));
    for (const { name, nTokens: has } of cut.short) {
      if (!isFolder) throw tooShort(name, has, nTokens);
      said.push(`${name} is left out: it has ${has} tokens of ${nTokens}`);
    }
  }
  if (passages.length > 0) return { passages: uniqueNames(passages), said };
  throw new KerfError(`Cannot evaluate on ${paths.join(", ")}: no text has ${nTokens} tokens`, {
    hint: "longer texts, or a smaller -p or -n",
    exitCode: 2,
  });
}

const tooShort = (name: string, has: number, needed: number) =>
  new KerfError(`Cannot make a passage of "${name}": it has ${has} tokens of ${needed}`, {
    hint: "a longer text, or a smaller -p or -n",
    exitCode: 2,
  });

/** Results are paired by name: files of the same name get a number. */
function uniqueNames(passages: readonly Passage[]): Passage[] {
  const seen = new Map<string, number>();
  return passages.map((passage) => {
    const count = (seen.get(passage.name) ?? 0) + 1;
    seen.set(passage.name, count);
    return count === 1 ? passage : { ...passage, name: `${passage.name} (${count})` };
  });
}
