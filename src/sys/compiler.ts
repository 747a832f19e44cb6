/**
 * Finds the C compiler: `$CC` when it is set, else the first of cc, gcc, clang that runs. There is no
 * substitute: without one Kerf stops and says how to install it.
 */

import { KerfError } from "../core/error.ts";
import { runCommand } from "./command.ts";

/** A C compiler that ran. */
export interface Compiler {
  /** The program, then the arguments it always gets (`CC="ccache gcc"` has one). */
  readonly command: readonly string[];
  /** The first line of `--version`: part of what names a compiled file. */
  readonly version: string;
}

/** What installs a C compiler here. */
function installHint(): string {
  if (Deno.build.os === "darwin") return "xcode-select --install";
  return "apt-get install gcc   (or dnf install gcc, pacman -S gcc, apk add gcc musl-dev)";
}

async function versionOf(command: readonly string[]): Promise<string | undefined> {
  const [program, ...args] = command;
  try {
    const { code, stdout } = await runCommand(program!, [...args, "--version"]);
    return code === 0 ? stdout.split("\n", 1)[0]! : undefined;
  } catch (error) {
    if (error instanceof KerfError) return undefined;
    throw error;
  }
}

/**
 * The C compiler of this machine.
 *
 * @throws {KerfError} when there is none, or when `$CC` names one that does not run
 */
export async function findCompiler(): Promise<Compiler> {
  const chosen = Deno.env.get("CC")?.trim();
  if (chosen) {
    const command = chosen.split(/\s+/);
    const version = await versionOf(command);
    if (version !== undefined) return { command, version };
    throw new KerfError(`Cannot use the C compiler CC="${chosen}": it does not run`, {
      hint: ["unset CC", installHint()],
    });
  }
  for (const name of ["cc", "gcc", "clang"]) {
    const version = await versionOf([name]);
    if (version !== undefined) return { command: [name], version };
  }
  throw new KerfError("Cannot compile kernels: no C compiler (cc, gcc, clang) was found", {
    hint: installHint(),
  });
}
