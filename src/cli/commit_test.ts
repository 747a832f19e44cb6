import { assert, assertEquals, assertMatch } from "@std/assert";
import { testFolder } from "../model/testing_files.ts";
import { runCommand } from "../sys/command.ts";
import { commit, commitWithChanges } from "./commit.ts";

Deno.test("changed and new sources make another commit of it, notes beside them do not", async () => {
  await using folder = await testFolder();
  const { path } = folder;
  const git = async (...args: string[]) => {
    const { code, stderr } = await runCommand("git", args, { cwd: path });
    assertEquals(code, 0, stderr);
  };
  assertEquals(await commitWithChanges(path), "unknown");
  await git("init", "--quiet");
  await Deno.mkdir(`${path}/kernels`);
  await folder.write("kernels/old.ts", "old");
  await git("add", ".");
  await git("-c", "user.name=n", "-c", "user.email=e", "commit", "--quiet", "-m", "first");
  const clean = await commitWithChanges(path);
  assertMatch(clean, /^[0-9a-f]{7,}$/);
  assertEquals(clean, await commit(path));
  await folder.write("notes.txt", "note");
  assertEquals(await commitWithChanges(path), clean);
  const seen = [clean];
  for (const [name, text] of [["new", "a"], ["new", "b"], ["other", "b"], ["old", "changed"]]) {
    await folder.write(`kernels/${name}.ts`, text!);
    seen.push(await commitWithChanges(path));
  }
  assertEquals(new Set(seen).size, 5);
  assert(seen.every((name) => name.startsWith(clean)), seen.join());
});
