/**
 * Runs TypeScript in another process for a test: for what changes the environment (tests may share a
 * process), needs fewer permissions, or is killed.
 */

import { projectRoot } from "./cache_dir.ts";
import { type CommandResult, runCommand } from "./command.ts";

/** How the other process runs. */
export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Default: everything. */
  readonly permissions?: readonly string[];
}

/** The `file:` URL of a project file, for imports in a child's text. */
export function projectUrl(path: string): string {
  return new URL(`../../${path}`, import.meta.url).href;
}

/** Arguments that make `deno` run a module's text from the project's root. */
export function childArgs(
  code: string,
  permissions: readonly string[] = ["--allow-all"],
): string[] {
  const url = `data:text/typescript,${encodeURIComponent(code)}`;
  const flags = ["--config=deno.json", "--quiet", "--no-check", "--no-prompt"];
  return ["run", ...flags, ...permissions, url];
}

/** Runs a module's text to its end. */
export async function runChild(code: string, options: ChildOptions = {}): Promise<CommandResult> {
  const denoDir = Deno.env.get("DENO_DIR");
  return await runCommand(Deno.execPath(), childArgs(code, options.permissions), {
    cwd: projectRoot(),
    env: { ...(denoDir === undefined ? {} : { DENO_DIR: denoDir }), ...options.env },
  });
}
