/**
 * `deno task test [fast|mutants]`: the test runner with Kerf's two selections. `fast` is the tests that stand
 * beside their source: no model is fetched, few kernels are compiled.
 */

import { runDeno } from "../sys/deno.ts";
import type { ParsedArgs } from "./args.ts";
import { ROOT } from "./root.ts";

/** Folders whose tests stand beside their source. */
const FAST = ["src", "tools"];

export async function main({ positionals }: ParsedArgs): Promise<number> {
  const [mode, ...rest] = positionals;
  const run = (args: string[]) => runDeno(args, { cwd: ROOT });
  switch (mode) {
    case "mutants":
      return await run(["run", "-A", "tests/mutants/mod.ts", ...rest]);
    case "fast":
      return await run(["test", "-A", "--quiet", ...FAST, ...rest]);
    default:
      return await run(["test", "-A", "--quiet", ...positionals]);
  }
}
