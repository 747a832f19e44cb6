/**
 * Runs other programs: the only place that touches `Deno.Command`.
 *
 * A program sees a clean environment (PATH, HOME, TMPDIR and what the caller adds), so a compiler gives the
 * same output everywhere and a scoped `--allow-run` keeps working while LD_LIBRARY_PATH is set.
 */

import { KerfError } from "../core/error.ts";

/** How to run a program. */
export interface CommandOptions {
  readonly cwd?: string;
  /** Added to PATH, HOME and TMPDIR. */
  readonly env?: Readonly<Record<string, string>>;
  /** Text for its standard input; without it there is none. */
  readonly stdin?: string;
  /** `capture` collects what it prints; `stream` passes it through as it comes. Default `capture`. */
  readonly output?: "capture" | "stream";
  /** Ends the program when aborted: its exit is a result like any other. */
  readonly signal?: AbortSignal;
  /** What to type when the program is not there. */
  readonly hint?: string;
}

/** How a program ended. The texts are empty when its output was streamed. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const INHERITED = ["PATH", "HOME", "TMPDIR"];

/**
 * Runs a program to its end. A non-zero exit is a result, not an error.
 *
 * @throws {KerfError} when the program does not exist
 *
 * @example
 * ```ts
 * import { runCommand } from "./command.ts";
 * const { code, stdout } = await runCommand("echo", ["hello"]);
 * if (code !== 0 || stdout !== "hello\n") throw new Error("echo is broken");
 * ```
 */
export async function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const env: Record<string, string> = {};
  for (const name of INHERITED) {
    const value = Deno.env.get(name);
    if (value !== undefined) env[name] = value;
  }
  const pipe = options.output === "stream" ? "inherit" : "piped";
  try {
    const child = new Deno.Command(program, {
      args: [...args],
      clearEnv: true,
      env: { ...env, ...options.env },
      stdin: options.stdin === undefined ? "null" : "piped",
      stdout: pipe,
      stderr: pipe,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    }).spawn();
    const fed = options.stdin === undefined ? undefined : feed(child.stdin, options.stdin);
    if (pipe === "inherit") {
      const { code } = await child.status;
      await fed;
      return { code, stdout: "", stderr: "" };
    }
    const { code, stdout, stderr } = await child.output();
    await fed;
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new KerfError(`Cannot run "${program}": it is not installed`, {
      cause,
      ...(options.hint === undefined ? {} : { hint: options.hint }),
    });
  }
}

/** Writes a child's input; a child that ends without reading all of it says so by its exit code. */
async function feed(stdin: WritableStream<Uint8Array>, text: string): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
