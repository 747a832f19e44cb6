/**
 * `deno task new prune|attention NAME`: writes a variant that already runs and a test that already passes,
 * and says what to type next. Never overwrites a file.
 */

import { join } from "@std/path";
import { KerfError } from "../core/error.ts";
import { nearest } from "../core/nearest.ts";
import type { ParsedArgs } from "./args.ts";
import { runCommandLine } from "./main.ts";
import { attentionFiles } from "./new/attention.ts";
import { checkName } from "./new/name.ts";
import { pruneFiles } from "./new/prune.ts";
import { ROOT } from "./root.ts";
import { writeOut } from "./terminal.ts";

/** The texts of a new variant. */
export interface NewFiles {
  readonly variant: string;
  readonly test: string;
}

/** Each kind of variant: a folder of kernels/, its texts, and how `run` is told to take it. */
const KINDS: Readonly<Record<string, { files: (name: string) => NewFiles; flag: string }>> = {
  prune: { files: pruneFiles, flag: "--prune" },
  attention: { files: attentionFiles, flag: "--attention" },
};

/** Writes both files; returns the exit code. */
export function main({ positionals }: ParsedArgs): Promise<number> {
  const [kind = "", name = "", ...rest] = positionals;
  const { files, flag } = kindOf(kind);
  if (name === "" || rest.length > 0) {
    throw new KerfError(`Cannot make a new variant: it takes one name`, {
      hint: `deno task new ${kind} my_idea`,
      exitCode: 2,
    });
  }
  checkName(kind, name);
  const { variant, test } = files(name);
  const [path, testPath] = [`kernels/${kind}/${name}.ts`, `kernels/${kind}/${name}_test.ts`];
  write(path, variant);
  write(testPath, test);
  writeOut(
    [
      ...[path, testPath, "", `It runs as it is. Edit ${path}, then:`],
      `  deno task verify ${name}`,
      `  deno task test ${testPath}`,
      `  deno task run ${flag} ${name} "Hello"`,
      "docs/variants.md goes on from here.",
    ].map((line) => line + "\n").join(""),
  );
  return Promise.resolve(0);
}

function kindOf(word: string): (typeof KINDS)[string] {
  if (Object.hasOwn(KINDS, word)) return KINDS[word]!;
  const known = Object.keys(KINDS);
  const near = nearest(word, known);
  throw new KerfError(
    `Cannot make a new ${word === "" ? "variant" : `"${word}"`}: a variant is of kind ${
      known.join(" or ")
    }`,
    { hint: `deno task new ${near ?? known[0]} my_idea`, exitCode: 2 },
  );
}

/** @throws {KerfError} exit code 2: the file is there */
function write(path: string, text: string): void {
  try {
    Deno.writeTextFileSync(join(ROOT, path), text, { createNew: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    throw new KerfError(`Cannot write "${path}": the file is there already`, {
      hint: "choose another name, or remove the file",
      exitCode: 2,
    });
  }
}

if (import.meta.main) Deno.exit(await runCommandLine(Deno.args, { main }));
