/**
 * The entry of every command's own process: parses its words, runs it, turns errors into messages and
 * exit codes (0 done, 1 failed, 2 wrong command line, 130 interrupted).
 */

import { helpText, parseCommand } from "./args.ts";
import type { ParsedArgs } from "./args.ts";
import { commandOf } from "./flags.ts";
import { userError } from "./user_error.ts";

/** What a command file exports: its work, resolving to the exit code. */
export interface CommandModule {
  main(args: ParsedArgs): Promise<number>;
}

/** Each command's file, loaded only when it is the one. */
const MODULES: Readonly<Record<string, () => Promise<CommandModule>>> = {
  run: () => import("./run.ts"),
  gen: () => import("./gen.ts"),
  verify: () => import("./verify.ts"),
  new: () => import("./new.ts"),
  inspect: () => import("./inspect.ts"),
  bench: () => import("./bench.ts"),
  eval: () => import("./eval.ts"),
  calibrate: () => import("./calibrate.ts"),
  test: () => import("./test.ts"),
  setup: () => import("./setup.ts"),
};

async function runCommand(words: readonly string[]): Promise<number> {
  const [name = "", ...rest] = words;
  const command = commandOf(name)!;
  // Everything after a test mode belongs to deno test.
  const parsed: ParsedArgs = command.name === "test"
    ? { values: {}, positionals: rest, help: rest[0] === "--help" }
    : parseCommand(command, rest);
  if (parsed.help) {
    console.log(helpText(command));
    return 0;
  }
  return await (await MODULES[command.name]!()).main(parsed);
}

/**
 * Runs a command line and prints what stops it.
 *
 * @returns the exit code
 * @throws a bug, with its trace
 */
export async function runCommandLine(words: readonly string[]): Promise<number> {
  try {
    return await runCommand(words);
  } catch (thrown) {
    // Whoever reads standard output has seen enough (`| head`).
    if (thrown instanceof Deno.errors.BrokenPipe) return 0;
    const error = userError(thrown);
    if (!error) throw thrown;
    console.error(error.render());
    return error.exitCode;
  }
}

if (import.meta.main) Deno.exit(await runCommandLine(Deno.args));
