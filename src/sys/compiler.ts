/**
 * Finds the C compiler: `$CC` when it is set, else the first of cc, gcc, clang that runs; and likewise the
 * C++ compiler (`$CXX`), which only emulated CUDA needs. There is no substitute: without one Kerf stops and
 * says how to install it.
 */

import { KerfError } from "../core/error.ts";
import { runCommand } from "./command.ts";

/** A compiler that ran. */
export interface Compiler {
  /** The program, then the arguments it always gets (`CC="ccache gcc"` has one). */
  readonly command: readonly string[];
  /** The first line of `--version`: part of what names a compiled file. */
  readonly version: string;
}

/** What a language's compilers are called. */
interface Language {
  readonly name: string;
  /** The environment variable that chooses one. */
  readonly variable: string;
  readonly programs: readonly string[];
  /** What installs one on Linux. */
  readonly packages: string;
}

const C: Language = {
  ...{ name: "C", variable: "CC", programs: ["cc", "gcc", "clang"] },
  packages: "apt-get install gcc   (or dnf install gcc, pacman -S gcc, apk add gcc musl-dev)",
};

const CXX: Language = {
  ...{ name: "C++", variable: "CXX", programs: ["c++", "g++", "clang++"] },
  packages: "apt-get install g++   (or dnf install gcc-c++, pacman -S gcc, apk add g++ musl-dev)",
};

/** What installs a compiler here. */
const installHint = ({ packages }: Language): string =>
  Deno.build.os === "darwin" ? "xcode-select --install" : packages;

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
export const findCompiler = (): Promise<Compiler> => find(C);

/**
 * The C++ compiler of this machine.
 *
 * @throws {KerfError} when there is none, or when `$CXX` names one that does not run
 */
export const findCxxCompiler = (): Promise<Compiler> => find(CXX);

async function find(language: Language): Promise<Compiler> {
  const { name, variable, programs } = language;
  const chosen = Deno.env.get(variable)?.trim();
  if (chosen) {
    const command = chosen.split(/\s+/);
    const version = await versionOf(command);
    if (version !== undefined) return { command, version };
    throw new KerfError(
      `Cannot use the ${name} compiler ${variable}="${chosen}": it does not run`,
      {
        hint: [`unset ${variable}`, installHint(language)],
      },
    );
  }
  for (const program of programs) {
    const version = await versionOf([program]);
    if (version !== undefined) return { command: [program], version };
  }
  throw new KerfError(
    `Cannot compile kernels: no ${name} compiler (${programs.join(", ")}) was found`,
    { hint: installHint(language) },
  );
}
