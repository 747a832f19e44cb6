/** From `run`'s flags to generation options, checked before anything is loaded. */

import { KerfError } from "../core/error.ts";
import { checkSampling } from "../engine/sampling.ts";
import type { GenerateOptions } from "../mod.ts";
import type { ParsedArgs } from "./args.ts";

/** Greedy unless asked: a small model answers best so. With a temperature, llama.cpp's other defaults. */
const SAMPLING = { temp: 0, "top-k": 40, "top-p": 0.95, "min-p": 0.05, "repeat-penalty": 1 };

/**
 * Options of `generate`. A seed is drawn when none was given.
 *
 * @throws {KerfError} exit code 2: a value makes no sense
 */
export function generateOptions(values: ParsedArgs["values"]): GenerateOptions & { seed: number } {
  const number = (name: keyof typeof SAMPLING) =>
    (values[name] as number | undefined) ?? SAMPLING[name];
  const n = (values.n as number | undefined) ?? -1;
  if (n < -1) {
    throw new KerfError(`Cannot generate ${n} tokens`, {
      hint: "-n 128, or -n -1: until the model stops",
      exitCode: 2,
    });
  }
  const seed = values.s as number | undefined;
  const options = {
    temperature: number("temp"),
    topK: number("top-k"),
    topP: number("top-p"),
    minP: number("min-p"),
    repeatPenalty: number("repeat-penalty"),
    seed: seed === undefined || seed < 0 ? crypto.getRandomValues(new Uint32Array(1))[0]! : seed,
    raw: values.raw === true,
    ...(n === -1 ? {} : { maxTokens: n }),
    ...(values.sys === undefined ? {} : { system: values.sys as string }),
  };
  checkSampling(options);
  return options;
}
