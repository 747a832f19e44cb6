/**
 * `deno task test [fast|mutants]`: the test runner with Kerf's selections. All of it: every test and every
 * example in a docstring. `fast`: those that stand beside their source, where no model is fetched and few
 * kernels are compiled. What else is given goes to `deno test`.
 *
 * All of it is types first, then units side by side (`test/`); a selection is one process.
 */

import { join } from "@std/path";
import { runDeno } from "../sys/deno.ts";
import type { ParsedArgs } from "./args.ts";
import { runCommandLine } from "./main.ts";
import { ROOT } from "./root.ts";
import { runUnits } from "./test/run_units.ts";
import { testUnits } from "./test/units.ts";

const FAST = ["src", "tools", "kernels"];
const FLAGS = ["-A", "--quiet", "--doc"];

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
  if (mode === "fast" || words.some(isPath)) {
    const folders = words.some(isPath) ? [] : FAST;
    return await runDeno(["test", ...FLAGS, ...folders, ...words], { cwd: ROOT });
  }
  const types = await runDeno(["check", "--quiet", "--doc", "."], { cwd: ROOT });
  if (types !== 0) return types;
  return await runUnits(testUnits(ROOT, FAST), [...FLAGS, "--no-check", ...words]);
}

if (import.meta.main) Deno.exit(await runCommandLine(Deno.args, { main }));
