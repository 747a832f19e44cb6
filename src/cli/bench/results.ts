/** Rows that are kept: bench/results/speed.jsonl, one row a line, each with its machine and its commit. */

import { join } from "@std/path";
import { ROOT } from "../root.ts";
import { formatRows } from "./report.ts";
import type { BenchRow } from "./row.ts";

/** Appends rows; what is there stays. */
export async function saveRows(
  rows: readonly BenchRow[],
  dir = join(ROOT, "bench/results"),
): Promise<void> {
  await Deno.mkdir(dir, { recursive: true });
  await Deno.writeTextFile(join(dir, "speed.jsonl"), formatRows(rows, "jsonl"), { append: true });
}
