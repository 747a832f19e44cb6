/**
 * A copy of the working tree in which files may be broken: the tree itself is never touched. Shares the
 * tree's node_modules and cache, so nothing is fetched again and compiled kernels are found.
 */

import { join } from "@std/path";
import { cacheDir, projectRoot } from "../../src/sys/cache_dir.ts";
import { runCommand } from "../../src/sys/command.ts";
import type { Mutant } from "./mutant.ts";

/** How many tests passed and failed. */
export interface TestRun {
  readonly passed: number;
  readonly failed: number;
  /** A compiler refused a kernel: the edit is no wrong program but none at all. */
  readonly refused: boolean;
}

/** The copy. */
export interface Workspace extends AsyncDisposable {
  /** Makes the edit; false when its text is not in the file exactly once. */
  apply(mutant: Mutant): Promise<boolean>;
  /** Undoes the edit. */
  restore(mutant: Mutant): Promise<void>;
  /** Runs a mutant's tests. @throws {Error} the runner said nothing of tests */
  test(mutant: Mutant): Promise<TestRun>;
}

/** No mutant's tests take a tenth of this; what hangs would be noticed. */
const PATIENCE_MS = 180_000;

const LEFT_OUT: ReadonlySet<string> = new Set([".cache", ".git", "node_modules"]);

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory, isFile } of Deno.readDir(from)) {
    if (LEFT_OUT.has(name)) continue;
    if (isDirectory) await copyFolder(join(from, name), join(to, name));
    else if (isFile) await Deno.copyFile(join(from, name), join(to, name));
  }
}

/** Copies the tree. */
export async function openWorkspace(): Promise<Workspace> {
  const root = projectRoot();
  const copy = await Deno.makeTempDir({ prefix: "kerf-mutants-" });
  await copyFolder(root, copy);
  await Deno.symlink(join(root, "node_modules"), join(copy, "node_modules"));
  const env = { KERF_CACHE: cacheDir(), NO_COLOR: "1" };
  const deno = (args: readonly string[], signal?: AbortSignal) =>
    runCommand(Deno.execPath(), args, { cwd: copy, env, ...(signal ? { signal } : {}) });

  /** Brings generated/ up to the copy's kernels and templates, for tests that read it. */
  async function generate({ generated, name }: Mutant): Promise<void> {
    if (!generated) return;
    const { code, stderr } = await deno(["run", "-A", "--no-check", "src/cli/gen.ts", "gen"]);
    if (code !== 0) throw new Error(`Cannot generate the kernels of mutant "${name}":\n${stderr}`);
  }

  /** The text before the edit; the tree's own may have changed since it was copied. */
  let original = "";
  return {
    async apply(mutant) {
      const path = join(copy, mutant.file);
      const text = original = await Deno.readTextFile(path);
      const [before, after, ...more] = text.split(mutant.find);
      if (after === undefined || more.length > 0) return false;
      await Deno.writeTextFile(path, `${before}${mutant.replace}${after}`);
      await generate(mutant);
      return true;
    },
    async restore(mutant) {
      await Deno.writeTextFile(join(copy, mutant.file), original);
      await generate(mutant);
    },
    async test({ tests, only }) {
      // Types are not what is tested, and checking them takes longer than most tests.
      const filter = only === undefined ? [] : [`--filter=${only}`];
      const args = ["test", "-A", "--no-check", ...filter, ...tests];
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const { stdout, stderr } = await deno(args, signal);
      if (signal.aborted) return { passed: 0, failed: 1, refused: false };
      const counts = /(\d+) passed.* \| (\d+) failed/.exec(stdout);
      const refused = stdout.includes("Cannot compile kernel");
      if (counts) return { passed: Number(counts[1]), failed: Number(counts[2]), refused };
      throw new Error(`Cannot tell how the tests ended:\n${stdout.slice(-2000)}\n${stderr}`);
    },
    [Symbol.asyncDispose]: () => Deno.remove(copy, { recursive: true }),
  };
}
