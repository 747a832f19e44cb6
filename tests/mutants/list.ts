/** Every mutant, generator half first. */

import { AMOUNTS } from "./amounts.ts";
import { COMPILER } from "./compiler.ts";
import { CUDA_DEVICE } from "./cuda.ts";
import { DEFINITIONS } from "./definitions.ts";
import { ENGINE } from "./engine.ts";
import { EVAL } from "./eval.ts";
import type { Mutant } from "./mutant.ts";
import { NUMBERS } from "./numbers.ts";
import { TEMPLATES } from "./templates.ts";

/** Every edit. */
export const MUTANTS: readonly Mutant[] = [
  ...COMPILER,
  ...TEMPLATES,
  ...NUMBERS,
  ...DEFINITIONS,
  ...ENGINE,
  ...AMOUNTS,
  ...EVAL,
  ...CUDA_DEVICE,
];
