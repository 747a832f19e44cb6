/** The project's commit, as results and benchmarks name it. */

import { KerfError } from "../core/error.ts";
import { sha256 } from "../core/hash.ts";
import { runCommand } from "../sys/command.ts";
import { ROOT } from "./root.ts";

/** What stands for a commit that nobody knows. */
export const UNKNOWN_COMMIT = "unknown";

async function git(...args: string[]): Promise<string | null> {
  try {
    const { code, stdout } = await runCommand("git", args, { cwd: ROOT });
    return code === 0 ? stdout : null;
  } catch (error) {
    if (error instanceof KerfError) return null;
    throw error;
  }
}

/** The project's commit, short; "unknown" outside a checkout or without git. */
export const commit = async (): Promise<string> =>
  (await git("rev-parse", "--short", "HEAD"))?.trim() ?? UNKNOWN_COMMIT;

/** The same, with a hash of what was changed since: `1a2b3c4+5d6e7f8`. */
export async function commitWithChanges(): Promise<string> {
  const name = await commit();
  const changes = name === UNKNOWN_COMMIT ? null : await git("diff", "HEAD");
  return changes ? `${name}+${(await sha256(changes)).slice(0, 7)}` : name;
}
