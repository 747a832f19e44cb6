/**
 * Sweeps: one spec with ranges `from..to/step` stands for several, in order, the last range fastest.
 * Ends are inclusive; values are rounded to the step's digits, so 0.3..0.7/0.1 holds 0.6 and not
 * 0.6000000000000001.
 */

import { KerfError } from "../core/error.ts";

const NUMBER = String.raw`[+-]?(?:\d+\.?\d*|\.\d+)`;
const RANGE = new RegExp(`=(${NUMBER})\\.\\.(${NUMBER})/(${NUMBER})(?=[,+]|$)`);

/** A range that lacks its step. */
const STEPLESS = new RegExp(`=((${NUMBER})\\.\\.(${NUMBER}))(?=[,+]|$)`);

/** A range has at most this many values: more is a slip of the keyboard, not a sweep. */
const MAX_VALUES = 1000;

/** Whether a value is a range, which stands for several. */
export const isRange = (value: string): boolean => RANGE.test(`=${value}`);

const digits = (text: string) => text.split(".")[1]?.length ?? 0;

function valuesOf(spec: string, [from, to, step]: [string, string, string]): string[] {
  const count = Math.floor((Number(to) - Number(from)) / Number(step) + 1e-9) + 1;
  if (!(count >= 1 && count <= MAX_VALUES)) {
    const why = count > MAX_VALUES && count < Infinity
      ? `it has ${count} values, and ${MAX_VALUES} are the most`
      : "it has no end in sight";
    throw new KerfError(
      `Cannot sweep ${from}..${to}/${step} in "${spec}": ${why}`,
      {
        hint: "a sweep reads 0.3..0.7/0.1: from, to, and a step between them",
        exitCode: 2,
      },
    );
  }
  const places = Math.max(digits(from), digits(step));
  return Array.from(
    { length: count },
    (_, i) => String(Number((Number(from) + i * Number(step)).toFixed(places))),
  );
}

/**
 * The specs a sweep stands for; a spec without ranges stands for itself.
 *
 * @throws {KerfError} exit code 2: a range that never ends, holds more than a thousand values or has no step
 * @example
 * ```ts
 * import { expandSweep } from "./sweep.ts";
 * const specs = expandSweep("think:ratio=0.3..0.5/0.1");
 * if (specs.join(" ") !== "think:ratio=0.3 think:ratio=0.4 think:ratio=0.5") throw new Error("wrong");
 * ```
 */
export function expandSweep(spec: string): string[] {
  const match = RANGE.exec(spec);
  if (!match) {
    const stepless = STEPLESS.exec(spec);
    if (!stepless) return [spec];
    const [, range, from, to] = stepless;
    const quarter = Number(((Number(to) - Number(from)) / 4).toPrecision(2));
    throw new KerfError(`Cannot sweep ${range} in "${spec}": it has no step`, {
      hint: spec.replace(range!, `${range}/${quarter}`),
      exitCode: 2,
    });
  }
  const [text, from, to, step] = match;
  const head = spec.slice(0, match.index);
  const tail = expandSweep(spec.slice(match.index + text.length));
  return valuesOf(spec, [from!, to!, step!])
    .flatMap((value) => tail.map((rest) => `${head}=${value}${rest}`));
}
