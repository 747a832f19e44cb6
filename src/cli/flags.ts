/**
 * The command lines as data: every command's flags, their kinds and their help. The launcher reads it for
 * permissions, the parser for values, `--help` for text. Holds no behaviour and imports no command.
 */

import { GEN, NEW, SETUP, TEST, VERIFY } from "./flags/author.ts";
import { BENCH } from "./flags/bench.ts";
import { CALIBRATE } from "./flags/calibrate.ts";
import type { Command } from "./flags/command.ts";
import { EVAL, EVAL_CALIBRATE } from "./flags/eval.ts";
import { INSPECT } from "./flags/inspect.ts";
import { RUN } from "./flags/run.ts";

/** Every command, in the order the overview lists them. */
export const COMMANDS: readonly Command[] = [
  RUN,
  GEN,
  VERIFY,
  NEW,
  INSPECT,
  BENCH,
  EVAL,
  EVAL_CALIBRATE,
  CALIBRATE,
  TEST,
  SETUP,
];

/** The command that words begin with, and the words behind it; undefined: there is none. */
export function commandAt(
  words: readonly string[],
): { readonly command: Command; readonly rest: string[] } | undefined {
  // `eval calibrate` goes before `eval`.
  for (const n of [2, 1]) {
    const command = words.length < n ? undefined : commandOf(words.slice(0, n).join(" "));
    if (command) return { command, rest: words.slice(n) };
  }
  return undefined;
}

/** The file of a command's name, in src/cli/. */
export const commandFile = (name: string): string => `${name.replaceAll(" ", "_")}.ts`;

/** The command of a name, or undefined. */
export function commandOf(name: string): Command | undefined {
  return COMMANDS.find((command) => command.name === name);
}
