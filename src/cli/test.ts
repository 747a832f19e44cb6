/**
 * `deno task test [fast|mutants]`: the test runner with Kerf's selections. All of it: every test and every
 * example in a docstring. `fast`: those that stand beside their source, where no model is fetched and few
 * kernels are compiled. What else is given goes to `deno test`.
 */

import { join } from "@std/path";
import { runDeno } from "../sys/deno.ts";
import type { ParsedArgs } from "./args.ts";
import { ROOT } from "./root.ts";

const FAST = ["src", "tools", "kernels"];
const ALL = [...FAST, "tests"];

/** Whether a word names a file or folder of the project. */
function isPath(word: string): boolean {
  try {
    Deno.statSync(join(ROOT, word));
    return true;
  } catch {
    return false;
  }
}

export async function main({ positionals }: ParsedArgs): Promise<number> {
  const [mode, ...rest] = positionals;
  if (mode === "mutants") {
    return await runDeno(["run", "-A", "tests/mutants/mod.ts", ...rest], { cwd: ROOT });
  }
  const words = mode === "fast" ? rest : positionals;
  const folders = words.some(isPath) ? [] : mode === "fast" ? FAST : ALL;
  return await runDeno(["test", "-A", "--quiet", "--doc", ...folders, ...words], { cwd: ROOT });
}
