/**
 * `deno task test mutants [NAME…]`: applies each edit of list.ts to a copy of the working tree and runs the
 * tests that must catch it; they must pass without the edit. Ends with 1 when an edit survives or no
 * longer applies.
 */

import { nearest } from "../../src/core/nearest.ts";
import { MUTANTS } from "./list.ts";
import type { Mutant } from "./mutant.ts";
import { openWorkspace } from "./workspace.ts";
import type { TestRun, Workspace } from "./workspace.ts";

/** What became of a mutant. */
type Verdict =
  | "caught"
  | "SURVIVED"
  | "DOES NOT APPLY"
  | "DOES NOT COMPILE"
  | "TESTS FAIL WITHOUT IT";

/** Whether a mutant's tests pass without it; asked once of the same tests. */
function passing(workspace: Workspace): (mutant: Mutant) => Promise<boolean> {
  const known = new Map<string, boolean>();
  return async (mutant) => {
    const tests = [mutant.only, ...mutant.tests].join("\n");
    if (!known.has(tests)) known.set(tests, passes(await workspace.test(mutant)));
    return known.get(tests)!;
  };
}

async function judge(
  workspace: Workspace,
  mutant: Mutant,
  pass: (mutant: Mutant) => Promise<boolean>,
): Promise<Verdict> {
  if (!await pass(mutant)) return "TESTS FAIL WITHOUT IT";
  if (!(await workspace.apply(mutant))) return "DOES NOT APPLY";
  try {
    const { failed, refused } = await workspace.test(mutant);
    if (refused) return "DOES NOT COMPILE";
    return failed > 0 ? "caught" : "SURVIVED";
  } finally {
    await workspace.restore(mutant);
  }
}

/** Tests that never ran prove nothing. */
const passes = ({ passed, failed }: TestRun) => passed > 0 && failed === 0;

function chosen(names: readonly string[]): readonly Mutant[] {
  const unknown = names.find((name) => !MUTANTS.some((mutant) => mutant.name === name));
  if (unknown !== undefined) {
    const all = MUTANTS.map(({ name }) => name);
    const near = nearest(unknown, all) ?? all.find((name) => name.includes(unknown));
    console.error(`error: There is no mutant "${unknown}"`);
    console.error(near ? `hint: "${near}"` : `hint: one of\n  ${all.join("\n  ")}`);
    Deno.exit(2);
  }
  return names.length > 0 ? MUTANTS.filter(({ name }) => names.includes(name)) : MUTANTS;
}

if (import.meta.main) {
  const mutants = chosen(Deno.args);
  const width = Math.max(...mutants.map(({ name }) => name.length));
  let caught = 0;
  await using workspace = await openWorkspace();
  const pass = passing(workspace);
  for (const mutant of mutants) {
    const start = performance.now();
    const verdict = await judge(workspace, mutant, pass);
    if (verdict === "caught") caught++;
    const seconds = ((performance.now() - start) / 1000).toFixed(1).padStart(5);
    console.log(`${mutant.name.padEnd(width)}  ${seconds} s  ${verdict}  ${mutant.file}`);
  }
  console.log(`${caught} caught, ${mutants.length - caught} not`);
  Deno.exitCode = caught === mutants.length ? 0 : 1;
}
