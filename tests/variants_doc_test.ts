/**
 * docs/variants.md is true: its files are written and its commands run in their order, in a copy of the
 * project, on a tiny model. `sh` must succeed, `sh fails` must not; every line of a `text` block stands in what
 * the last command before it printed.
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { dirname, join } from "@std/path";
import { testFolder } from "../src/model/testing_files.ts";
import { cacheDir } from "../src/sys/cache_dir.ts";
import { kerf, tinyModelFile } from "./_cli.ts";
import { copyProject } from "./_project.ts";

const text = Deno.readTextFileSync(new URL("../docs/variants.md", import.meta.url));
const blocks = [...text.matchAll(/^```(.*)\n([^]*?)^```$/gm)].map(([, words, body]) => ({
  words: words!.split(" "),
  body: body!,
}));

/** A command's words behind `deno task`; quotes hold words together. */
const wordsOf = (line: string): string[] =>
  (line.match(/"[^"]*"|\S+/g) ?? []).slice(2).map((word) => word.replaceAll('"', ""));

Deno.test("the steps of docs/variants.md do what they say", async (t) => {
  await using folder = await testFolder();
  const root = join(folder.path, "kerf");
  await Deno.mkdir(join(root, "tests/data"), { recursive: true });
  await copyProject(root);
  await Deno.writeTextFile(join(root, "tests/data/long.txt"), "What is kept is seen. ".repeat(9));
  const model = await tinyModelFile(folder);
  // What is compiled once serves every copy.
  const options = { root, env: { KERF_CACHE: cacheDir() } };
  let printed = "";
  let commands = 0;
  for (const { words, body } of blocks) {
    const [kind, how, what, path = ""] = words;
    if (kind === "ts" && what === "file") {
      await Deno.mkdir(dirname(join(root, path)), { recursive: true });
      await Deno.writeTextFile(join(root, path), body);
    } else if (kind === "text") {
      for (const line of body.trimEnd().split("\n")) assertStringIncludes(printed, line);
    } else if (how === "remove") {
      await Deno.remove(join(root, body.trim()));
    } else if (kind === "sh" && how !== "ignore") {
      for (const line of body.trimEnd().split("\n")) {
        await t.step(line, async () => {
          const [command = "", ...rest] = wordsOf(line);
          const onModel = command === "run" || command === "inspect" ? ["-m", model] : [];
          const subject = command === "inspect" ? rest.splice(0, 1) : [];
          const { code, stdout, stderr } = await kerf(
            [command, ...subject, ...onModel, ...rest],
            options,
          );
          printed = stdout + stderr;
          assertEquals(code === 0, how !== "fails", `exit code ${code}\n${printed}`);
          commands++;
        });
      }
    }
  }
  assert(commands >= 12, `only ${commands} commands ran`);
});
