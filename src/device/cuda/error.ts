/** What the driver refuses, as an error that names the call and CUDA's word for the reason. */

import { KerfError } from "../../core/error.ts";
import { CUDA } from "./symbols.ts";

/** A driver call that failed. */
export class CudaError extends KerfError {
  override name = "CudaError";
  /** Its CUresult. */
  readonly code: number;
  /** `cuMemCreate: CUDA_ERROR_OUT_OF_MEMORY (out of memory)` */
  readonly reason: string;

  constructor(reason: string, code: number) {
    super(`Cannot go on with the GPU: ${reason}`, { hint: hintFor(code) });
    this.code = code;
    this.reason = reason;
  }
}

/** Flags that make everything a run holds smaller. */
export const SMALLER: readonly string[] = [
  "a shorter context: -c 2048",
  "smaller steps: -ub 64",
  "a smaller cache: --kv-max 512M",
  "--device cpu",
];

/** Codes of kernels that went wrong: nothing in the context works after one of them. */
const KERNEL_FAULTS = [700, 701, 702, 714, 715, 716, 717, 718, 719];

function hintFor(code: number): readonly string[] {
  if (code === CUDA.ERROR_OUT_OF_MEMORY) return SMALLER;
  if (KERNEL_FAULTS.includes(code)) return ["deno task verify --device cuda"];
  return ["nvidia-smi   (says whether the GPU and its driver work)"];
}
