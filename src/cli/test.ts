/**
 * `deno task test [fast|mutants]`: the test runner with Kerf's two selections. `fast` leaves out the files
 * that load the default model or compile many kernels (`*_model_test.ts`, tests/parity_*).
 */

import { runDeno } from "../sys/deno.ts";
import type { ParsedArgs } from "./args.ts";
import { ROOT } from "./root.ts";

export async function main({ positionals }: ParsedArgs): Promise<number> {
  const [mode, ...rest] = positionals;
  const run = (args: string[]) => runDeno(args, { cwd: ROOT });
  if (mode === "mutants") return await run(["run", "-A", "tests/mutants/mod.ts", ...rest]);
  const fast = mode === "fast";
  const skip = fast ? ["--ignore=tests/**/*_model_test.ts,tests/parity_*,.cache,node_modules"] : [];
  return await run(["test", "-A", "--quiet", ...skip, ...(fast ? rest : positionals)]);
}
