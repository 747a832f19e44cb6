/**
 * Runs Kerf's commands for tests as people do: the launcher of deno.json's tasks in a process of its own,
 * with the permissions it works out. Not with `deno task`, which adds a line of its own to stderr.
 */

import { tinyModel } from "../src/model/testing.ts";
import type { TinyModelOptions } from "../src/model/testing.ts";
import type { TestFolder } from "../src/model/testing_files.ts";
import { projectRoot } from "../src/sys/cache_dir.ts";

/** How a command is started. */
export interface KerfOptions {
  /** The folder that the person is in. Default: the project's. */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input; default: nothing to read. */
  readonly stdin?: string;
  /** The checkout whose launcher is run. Default: this one. */
  readonly root?: string;
}

/** How a command ended. */
export interface KerfResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const tasks: Record<string, { command: string }> =
  JSON.parse(Deno.readTextFileSync(new URL("../deno.json", import.meta.url))).tasks;

/** The program and its words behind `deno task COMMAND words`. */
export function commandLine(words: readonly string[]): [string, string[]] {
  const [name = "", ...rest] = words;
  const [, ...args] = tasks[name]!.command.split(" ");
  return [Deno.execPath(), [...args, ...rest]];
}

/** Starts a command. */
export function startKerf(words: readonly string[], options: KerfOptions = {}): Deno.ChildProcess {
  const root = options.root ?? projectRoot();
  const [program, args] = commandLine(words);
  return new Deno.Command(program, {
    args,
    cwd: root,
    env: { INIT_CWD: options.cwd ?? root, ...options.env },
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Runs a command to its end. */
export async function kerf(
  words: readonly string[],
  options: KerfOptions = {},
): Promise<KerfResult> {
  const child = startKerf(words, options);
  if (options.stdin !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(options.stdin));
    await writer.close();
  }
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Writes a tiny random model into a test's folder and returns its path. */
export async function tinyModelFile(
  folder: TestFolder,
  options: TinyModelOptions = {},
): Promise<string> {
  return await folder.write("tiny.gguf", tinyModel({ nHeads: 3, nKvHeads: 1, ...options }));
}
