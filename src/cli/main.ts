/**
 * What every command's own process does around its work: parses its words, runs it, turns errors into
 * messages and exit codes (0 done, 1 failed, 2 wrong command line, 130 interrupted). The launcher starts a
 * command's file itself, so that Deno reads the files of that command only. This file is nobody's entry: a
 * command's file imports it and could not while it waits for that file.
 */

import { helpText, parseCommand } from "./args.ts";
import type { ParsedArgs } from "./args.ts";
import { commandAt, commandFile } from "./flags.ts";
import { userError } from "./user_error.ts";

/** What a command file exports: its work, resolving to the exit code. */
export interface CommandModule {
  main(args: ParsedArgs): Promise<number>;
}

/** Not a literal: Deno would read the files of all commands before the first of them runs. */
const moduleOf = async (name: string): Promise<CommandModule> =>
  await import(new URL(`./${commandFile(name)}`, import.meta.url).href);

async function runCommand(words: readonly string[], module?: CommandModule): Promise<number> {
  const { command, rest } = commandAt(words)!;
  // Everything after a test mode belongs to deno test.
  const parsed: ParsedArgs = command.name === "test"
    ? { values: {}, positionals: rest, help: rest[0] === "--help" }
    : parseCommand(command, rest);
  if (parsed.help) {
    console.log(helpText(command));
    return 0;
  }
  return await (module ?? await moduleOf(command.name)).main(parsed);
}

/**
 * Runs a command line and prints what stops it.
 *
 * @param module the command's; default: the file of its name
 * @returns the exit code
 * @throws a bug, with its trace
 */
export async function runCommandLine(
  words: readonly string[],
  module?: CommandModule,
): Promise<number> {
  try {
    return await runCommand(words, module);
  } catch (thrown) {
    // Whoever reads standard output has seen enough (`| head`).
    if (thrown instanceof Deno.errors.BrokenPipe) return 0;
    const error = userError(thrown);
    if (!error) throw thrown;
    console.error(error.render());
    return error.exitCode;
  }
}
