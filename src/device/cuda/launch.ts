/** One launch of an entry point along x, put on the stream. */

import type { CudaContext } from "./context.ts";
import type { CudaFunction } from "./kernels.ts";

/** Launches; the driver takes the arguments over at once. @param extra the list of `packedArguments` */
export function launchKernel(
  { driver: { call }, stream }: CudaContext,
  { func, threads, sharedBytes }: CudaFunction,
  { blocks, extra }: { readonly blocks: number; readonly extra: Uint8Array<ArrayBuffer> },
): void {
  call.cuLaunchKernel(
    ...[func, blocks, 1, 1, threads, 1, 1, sharedBytes, stream, 0n, extra] as const,
  );
}
