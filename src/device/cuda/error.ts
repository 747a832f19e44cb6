/** What the driver refuses, as an error that names the call and CUDA's word for the reason. */

import { KerfError } from "../../core/error.ts";
import { SMALLER } from "../out_of_memory.ts";
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

/** Codes of kernels that went wrong: nothing in the context works after one of them. */
const KERNEL_FAULTS = [700, 701, 702, 714, 715, 716, 717, 718, 719];

function hintFor(code: number): readonly string[] {
  if (code === CUDA.ERROR_OUT_OF_MEMORY) return [...SMALLER, "--device cpu"];
  if (KERNEL_FAULTS.includes(code)) return ["deno task verify --device cuda"];
  return ["nvidia-smi   (says whether the GPU and its driver work)"];
}
