/** `gen` from outside, in a copy of the project: what it writes, and that a broken kernel writes nothing. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { testFolder } from "../src/model/testing_files.ts";
import { kerf } from "./_cli.ts";
import { copyProject } from "./_project.ts";

/** A variant nobody ships: the least change of a shipped one. */
const VARIANT = Deno.readTextFileSync(new URL("../kernels/prune/think.ts", import.meta.url))
  .replace('name: "think"', 'name: "mine"').replace(
    "meanSquare(q) * meanSquare(k)",
    "meanSquare(k)",
  );

Deno.test("gen reports every problem of a broken kernel and writes nothing", async () => {
  await using folder = await testFolder();
  const root = folder.path;
  await copyProject(root);
  const path = join(root, "kernels/prune/x.ts");
  const stamp = () => Deno.statSync(join(root, "generated/manifest.json")).mtime;
  const before = stamp();

  await Deno.writeTextFile(path, "broken");
  const broken = await kerf(["gen"], { root });
  assertEquals({ code: broken.code, stdout: broken.stdout }, { code: 1, stdout: "" });
  assertStringIncludes(broken.stderr, 'Cannot find "broken"\n --> kernels/prune/x.ts:1:1');
  assertStringIncludes(broken.stderr, "no default export");
  assertMatch(broken.stderr, /2 problems\n$/);
  const json = JSON.parse((await kerf(["gen", "--json"], { root })).stdout);
  assertEquals([json.written, json.removed, json.diagnostics.length], [[], [], 2]);
  assertEquals(stamp(), before);

  await Deno.remove(path);
  await Deno.writeTextFile(join(root, "kernels/prune/mine.ts"), VARIANT);
  const stale = await kerf(["gen", "--check"], { root });
  assertEquals(stale.code, 1);
  assertStringIncludes(stale.stdout, "channel_scores_mine__");
  assertMatch(stale.stderr, /generated\/ is stale in \d+ files?\nhint: deno task gen\n/);
  const written = await kerf(["gen"], { root });
  assertEquals(written.code, 0, written.stderr);
  assert(/^ {2}generated\/c\/channel_scores_mine__/m.test(written.stderr), written.stderr);
});
