/** `deno task new` from outside, in a copy of the project: what it writes runs, verifies and tests at once. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { testFolder } from "../src/model/testing_files.ts";
import { cacheDir, projectRoot } from "../src/sys/cache_dir.ts";
import { runCommand } from "../src/sys/command.ts";
import { kerf, tinyModelFile } from "./_cli.ts";
import { copyProject } from "./_project.ts";

Deno.test("a new variant of each kind runs, verifies and tests without an edit", async () => {
  await using folder = await testFolder();
  const root = join(folder.path, "kerf");
  await Deno.mkdir(root);
  await copyProject(root);
  const model = await tinyModelFile(folder);
  // What is compiled once serves every copy.
  const options = { root, env: { KERF_CACHE: cacheDir() } };
  for (const [kind, flag] of [["prune", "--prune"], ["attention", "--attention"]] as const) {
    const name = `my_${kind}`;
    const written = await kerf(["new", kind, name], options);
    assertEquals(written.code, 0, written.stderr);
    const [variant, test] = [`kernels/${kind}/${name}.ts`, `kernels/${kind}/${name}_test.ts`];
    assertEquals(written.stdout.split("\n").slice(0, 2), [variant, test]);
    for (const next of ["verify", "test", "run"]) {
      assertStringIncludes(written.stdout, `  deno task ${next} `);
    }
    const style = await runCommand(Deno.execPath(), ["fmt", "--check", variant, test], {
      cwd: root,
    });
    assertEquals(style.code, 0, style.stderr);
    // Few cases of an attention variant take as long as all of a pruning one's.
    const few = kind === "attention" ? ["--quick"] : [];
    const verdict = await kerf(["verify", name, "--device", "cpu", ...few], options);
    assertEquals(verdict.code, 0, verdict.stderr + verdict.stdout);
    const isTold = /^in C all \d+ kernels agree \(\d+\.\d s\); now every case$/m;
    assertEquals(isTold.test(verdict.stderr), kind === "prune", verdict.stderr);
    assertStringIncludes(verdict.stdout, "kernels agree with their authors' functions (1 variant");
    const tested = await kerf(["test", test], options);
    assertEquals(tested.code, 0, tested.stdout + tested.stderr);
    const answer = await kerf(["run", "-m", model, flag, name, "-n", "4", "--raw", "ab"], options);
    assertEquals(answer.code, 0, answer.stderr);
    const again = await kerf(["new", kind, name], options);
    assertEquals([again.code, again.stdout], [2, ""]);
    assertStringIncludes(again.stderr, `kernels/${kind}/${name}.ts is there`);
  }

  // A kernel that is off ends a verification by name at its first look.
  const template = join(root, "templates/c/append.c.njk");
  const text = await Deno.readTextFile(template);
  const wrong = text.replace("(seq[2] + offset) % window", "(seq[2] + offset + 1) % window");
  assert(wrong !== text, "the template reads otherwise");
  await Deno.writeTextFile(template, wrong);
  const broken = await kerf(["verify", "my_prune", "--device", "cpu"], options);
  assertEquals(broken.code, 1, broken.stdout);
  assertStringIncludes(broken.stdout, "kernels are off (1 variant on c");
  assert(!broken.stderr.includes("now every case"), broken.stderr);
});

Deno.test("new refuses what is no kind and no name, and says what to type", async () => {
  const before = [...Deno.readDirSync(join(projectRoot(), "kernels/prune"))].length;
  const cases: readonly (readonly [readonly string[], string, string])[] = [
    [[], "a variant is of kind prune or attention", "deno task new prune my_idea"],
    [["atention", "x"], "a variant is of kind", "deno task new attention my_idea"],
    [["prune"], "it takes one name", "deno task new prune my_idea"],
    [["prune", "a", "b"], "it takes one name", "deno task new prune my_idea"],
    [["prune", "MyIdea"], "small letters and digits", "deno task new prune my_idea"],
    [["prune", "2nd"], "small letters and digits", "deno task new prune idea_2nd"],
    [["prune", "a__b"], "small letters and digits", "deno task new prune a_b"],
    [["prune", "../x"], "small letters and digits", "deno task new prune x"],
    [["prune", "while"], "a word of a language", "deno task new prune while_idea"],
    [["prune", "none"], "a word of a language", "deno task new prune none_idea"],
    [
      ["attention", "half_test"],
      "a file of that name is a test",
      "deno task new attention half_idea",
    ],
    [["attention", "think"], "kernels/prune/think.ts is there", "deno task new attention think_2"],
  ];
  for (const [words, why, hint] of cases) {
    const { code, stdout, stderr } = await kerf(["new", ...words]);
    assertEquals([code, stdout], [2, ""], words.join(" "));
    assertStringIncludes(stderr, why);
    assertStringIncludes(stderr, `hint: ${hint}`);
  }
  assertEquals([...Deno.readDirSync(join(projectRoot(), "kernels/prune"))].length, before);
  assert(before > 0);
});
