import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { testFolder } from "../../model/testing_files.ts";
import type { BenchRow } from "./row.ts";
import { saveRows } from "./results.ts";

Deno.test("rows are appended, one a line", async () => {
  await using folder = await testFolder();
  const rows = [{ machine: "a" }, { machine: "b" }] as BenchRow[];
  const dir = join(folder.path, "results");
  await saveRows(rows, dir);
  await saveRows(rows.slice(1), dir);
  const lines = (await Deno.readTextFile(join(dir, "speed.jsonl"))).trimEnd().split("\n");
  assertEquals(lines.map((line) => JSON.parse(line).machine), ["a", "b", "b"]);
});
