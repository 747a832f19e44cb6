/**
 * Runs units of tests side by side, as many as there are cores, and prints what each said when it has ended.
 * A unit that does not end is stopped and counts as a failure, so no run waits for ever.
 */

import { captureDeno } from "../../sys/deno.ts";
import { ROOT } from "../root.ts";
import { writeOut } from "../terminal.ts";
import { countsLine, readCounts } from "./units.ts";
import type { TestCounts } from "./units.ts";

/** Twice what all tests take on two slow cores. */
const STUCK_MS = 20 * 60 * 1000;

/** More processes than this want more memory than small machines have. */
const MOST_JOBS = 4;

/**
 * Runs every unit with the flags given.
 *
 * @returns the exit code: 1 when a test failed or a unit did not end well
 */
export async function runUnits(
  units: readonly (readonly string[])[],
  flags: readonly string[],
): Promise<number> {
  const start = performance.now();
  const counts: TestCounts[] = [];
  const broken: string[] = [];
  const queue = [...units];
  const work = async () => {
    for (let unit = queue.shift(); unit !== undefined; unit = queue.shift()) {
      const { code, output, stuck } = await captureDeno(["test", ...flags, ...unit], {
        cwd: ROOT,
        stopAfterMs: STUCK_MS,
      });
      writeOut(`\n== ${unit.join(" ")}\n${output}`);
      const said = readCounts(output);
      if (stuck) writeOut(`stopped: it did not end within ${STUCK_MS / 60_000} minutes\n`);
      // A process that dies has failed, whatever it had counted.
      const failed = code === 0 && said ? 0 : Math.max(1, said?.failed ?? 0);
      counts.push({ passed: 0, ignored: 0, ...said, failed });
      if (failed > 0) broken.push(unit.join(" "));
    }
  };
  const jobs = Math.min(navigator.hardwareConcurrency, MOST_JOBS);
  await Promise.all(Array.from({ length: jobs }, work));
  if (broken.length > 0) {
    writeOut(`\nfailures in:\n${broken.map((unit) => `  ${unit}\n`).join("")}`);
  }
  writeOut(`\n${countsLine(counts, (performance.now() - start) / 1000)}\n`);
  return broken.length > 0 ? 1 : 0;
}
