/**
 * Whatever stands in a file, the front end answers with diagnostics: programs of tests/fixtures/accept/
 * with one word removed, doubled or replaced neither crash it nor are refused without a reason.
 */

import { assert } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { openFrontend, renderDiagnostics } from "./mod.ts";

const root = fromFileUrl(new URL("../..", import.meta.url));
const folder = `${root}/tests/fixtures/accept`;
const N_MUTANTS = 120;

/** A fixed sequence of pseudo-random whole numbers below n (Park and Miller's generator). */
function sequence(seed: number): (n: number) => number {
  let state = seed;
  return (n) => (state = state * 48271 % 2147483647) % n;
}

const wordsOf = (text: string): string[] => text.match(/\w+|\s+|[^\w\s]/g) ?? [];

Deno.test("no edit of an accepted program crashes the front end", async () => {
  const programs = [...Deno.readDirSync(folder)]
    .filter((entry) => entry.name.endsWith(".ts"))
    .map((entry) => Deno.readTextFileSync(`${folder}/${entry.name}`))
    .toSorted();
  const words = programs.flatMap(wordsOf).filter((word) => word.trim() !== "");
  const pick = sequence(1);
  const mutants = Deno.makeTempDirSync();
  let accepted = 0;
  try {
    const frontend = openFrontend(root, { kernels: mutants });
    for (let i = 0; i < N_MUTANTS; i++) {
      const program = wordsOf(programs[pick(programs.length)]!);
      const at = pick(program.length);
      const word = words[pick(words.length)]!;
      program[at] = ["", `${program[at]} ${word}`, word][pick(3)]!;
      const path = `${mutants}/mutant_${i}.ts`;
      Deno.writeTextFileSync(path, program.join(""));
      const result = await frontend.lowerFile(path);
      if (result.ok) accepted++;
      else assert(renderDiagnostics(result.diagnostics, { color: false }).length > 0);
    }
  } finally {
    Deno.removeSync(mutants, { recursive: true });
  }
  // Some edits change nothing that matters: were none accepted, the fixtures would not be read at all.
  assert(accepted > 0 && accepted < N_MUTANTS, `${accepted} accepted`);
});
