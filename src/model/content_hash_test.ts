import { assertEquals, assertNotEquals } from "@std/assert";
import { join } from "@std/path";
import { sha256 } from "../core/hash.ts";
import { contentHash } from "./content_hash.ts";
import { testFolder } from "./testing_files.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("a file that was just written is hashed again: its times say nothing yet", async () => {
  await using folder = await testFolder();
  const path = await folder.write("a", bytes("abcd"));
  const note = join(folder.path, "notes", "a.json");
  assertEquals(await contentHash(path, note), await sha256("abcd"));
  await Deno.writeFile(path, bytes("efgh"));
  assertEquals(await contentHash(path, note), await sha256("efgh"));
});

Deno.test("a hash is remembered until size, times or place differ, or the note is damaged", async () => {
  await using folder = await testFolder();
  const path = await folder.write("a", bytes("abcd"));
  const note = join(folder.path, "a.json");
  /** As if the hash had been taken long after the file was written. */
  const remember = async () => {
    await contentHash(path, note);
    const known = JSON.parse(await Deno.readTextFile(note));
    const later = { ...known, hashedAtMs: Date.now() + 60_000, sha256: "remembered" };
    await Deno.writeTextFile(note, JSON.stringify(later));
  };
  await remember();
  assertEquals(await contentHash(path, note), "remembered");
  await Deno.utime(path, new Date(), new Date(1e12));
  assertEquals(await contentHash(path, note), await sha256("abcd"));
  await remember();
  await Deno.writeFile(path, bytes("abcde"));
  assertEquals(await contentHash(path, note), await sha256("abcde"));
  await remember();
  const other = await folder.write("b", bytes("abcde"));
  await Deno.rename(other, path);
  assertNotEquals(await contentHash(path, note), "remembered");
  await Deno.writeTextFile(note, '{"stamp": {');
  assertEquals(await contentHash(path, note), await sha256("abcde"));
});
