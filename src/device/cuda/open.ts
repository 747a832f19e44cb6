/** What `--device cuda` opens: the GPU, or the emulated one when the environment asks for it by name. */

import { KerfError } from "../../core/error.ts";
import { type CudaDevice, openCudaDevice } from "./device.ts";

/**
 * Opens the GPU; `KERF_CUDA=emulated` opens the emulated one instead, whose name says so.
 *
 * @throws {KerfError} it cannot be used, or the variable has another value
 */
export async function openCuda(): Promise<CudaDevice> {
  const chosen = Deno.env.get("KERF_CUDA") ?? "";
  if (chosen === "") return await openCudaDevice();
  if (chosen === "emulated") return await (await import("./emulator/open.ts")).openEmulatedCuda();
  throw new KerfError(`Cannot open a GPU: KERF_CUDA is "${chosen}", which is no kind of one`, {
    hint: ["unset KERF_CUDA", "KERF_CUDA=emulated"],
    exitCode: 2,
  });
}
