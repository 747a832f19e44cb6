/** Copies of the project for tests that change its files. */

import { assertEquals } from "@std/assert";
import { projectRoot } from "../src/sys/cache_dir.ts";
import { runCommand } from "../src/sys/command.ts";

/** What commands need of it. */
const PARTS = [
  "deno.json",
  "deno.lock",
  "src",
  "kernels",
  "templates",
  "generated",
  "node_modules",
];

/** Copies what commands need into a folder; links in node_modules stay links. */
export async function copyProject(root: string): Promise<void> {
  const { code, stderr } = await runCommand("cp", ["-a", ...PARTS, root], { cwd: projectRoot() });
  assertEquals(code, 0, stderr);
}
