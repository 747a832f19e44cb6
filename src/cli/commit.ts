/** The project's commit, as results and benchmarks name it. */

import { join } from "@std/path";
import { KerfError } from "../core/error.ts";
import { sha256 } from "../core/hash.ts";
import { runCommand } from "../sys/command.ts";
import { ROOT } from "./root.ts";

/** What stands for a commit that nobody knows. */
export const UNKNOWN_COMMIT = "unknown";

async function git(cwd: string, ...args: string[]): Promise<string | null> {
  try {
    const { code, stdout } = await runCommand("git", args, { cwd });
    return code === 0 ? stdout : null;
  } catch (error) {
    if (error instanceof KerfError) return null;
    throw error;
  }
}

/** The project's commit, short; "unknown" outside a checkout or without git. */
export const commit = async (root = ROOT): Promise<string> =>
  (await git(root, "rev-parse", "--short", "HEAD"))?.trim() ?? UNKNOWN_COMMIT;

/** Folders whose files decide what is computed. */
const SOURCES = ["src", "kernels", "templates", "generated"];

/** The same, with a hash of what was changed since, new files among it: `1a2b3c4+5d6e7f8`. */
export async function commitWithChanges(root = ROOT): Promise<string> {
  const name = await commit(root);
  if (name === UNKNOWN_COMMIT) return name;
  const changed = await git(root, "diff", "HEAD", "--", ...SOURCES) ?? "";
  const others = ["ls-files", "--others", "--exclude-standard", "-z", "--", ...SOURCES];
  const added = (await git(root, ...others) ?? "").split("\0").filter((file) => file !== "")
    .map((file) => `${file}\n${Deno.readTextFileSync(join(root, file))}`);
  const changes = [changed, ...added].join("\0");
  return changes === "" ? name : `${name}+${(await sha256(changes)).slice(0, 7)}`;
}
