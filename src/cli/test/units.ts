/**
 * The whole test run cut into units that run side by side, each in a process of its own: the folders whose
 * tests stand beside their source as one, every file of tests/ as one. Every test is in exactly one unit.
 */

import { join } from "@std/path";

/** What is counted of a test run. */
export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly ignored: number;
}

/** Files that run for half a minute and more: they begin first, so that none runs alone while other cores have nothing left. */
const LONGEST =
  `parity_kernels verify conformance parity_cuda eviction_devices webgpu_model parity_wgsl
  evicted_codes cuda reference codes new_variant variants_doc kvpress property_expressions row_classes
  cuda_model eviction gpu_bench`
    .split(/\s+/).map((name) => `tests/${name}_test.ts`);

/**
 * The units of a run, each a list of files and folders relative to the project's, those that take long first.
 *
 * @param folders those that are one unit, since their tests are short
 */
export function testUnits(root: string, folders: readonly string[]): string[][] {
  const files = [...Deno.readDirSync(join(root, "tests"))]
    .filter(({ name, isFile }) => isFile && name.endsWith("_test.ts"))
    .map(({ name }) => `tests/${name}`)
    .sort();
  const long = LONGEST.filter((file) => files.includes(file));
  const short = files.filter((file) => !long.includes(file));
  return [...long.map((file) => [file]), [...folders], ...short.map((file) => [file])];
}

/**
 * What the last line of a test run counts; null: there is none, it ended early.
 *
 * @example
 * ```ts
 * import { readCounts } from "./units.ts";
 * const counts = readCounts("\nok | 12 passed (3 steps) | 0 failed | 1 ignored (2s)\n");
 * if (counts?.passed !== 12 || counts.ignored !== 1) throw new Error("wrong");
 * ```
 */
export function readCounts(output: string): TestCounts | null {
  const line = output.match(/^(?:ok|FAILED) \| .*$/gm)?.at(-1);
  if (line === undefined) return null;
  const count = (what: string) => Number(new RegExp(`(\\d+) ${what}`).exec(line)?.[1] ?? 0);
  return { passed: count("passed"), failed: count("failed"), ignored: count("ignored") };
}

/** Counts of runs as one line, in the words of `deno test`. */
export function countsLine(all: readonly TestCounts[], seconds: number): string {
  const sum = (what: keyof TestCounts) => all.reduce((n, counts) => n + counts[what], 0);
  const [passed, failed, ignored] = [sum("passed"), sum("failed"), sum("ignored")];
  const minutes = Math.floor(seconds / 60);
  const time = `${minutes > 0 ? `${minutes}m` : ""}${Math.round(seconds - 60 * minutes)}s`;
  const more = ignored > 0 ? ` | ${ignored} ignored` : "";
  return `${failed > 0 ? "FAILED" : "ok"} | ${passed} passed | ${failed} failed${more} (${time})`;
}
