/** Time on the GPU's own clock, between two events of the stream. */

import type { CudaContext } from "./context.ts";
import { outHandle } from "./driver.ts";
import { releaseAll } from "./release.ts";
import { CUDA } from "./symbols.ts";

/** Two events. */
export interface CudaClock extends Disposable {
  /** Ends the time that began when the clock was opened. */
  stop(): void;
  /** Milliseconds between both, once the stream is idle. */
  elapsedMs(): number;
}

/** Starts a clock behind the stream's work so far. */
export function openClock({ driver: { call }, stream }: CudaContext): CudaClock {
  const events: bigint[] = [];
  const record = () => {
    const event = outHandle((to) => call.cuEventCreate(to, CUDA.EVENT_DEFAULT));
    events.push(event);
    call.cuEventRecord(event, stream);
  };
  const destroy = () =>
    releaseAll(events.splice(0).map((event) => () => call.cuEventDestroy_v2(event)));
  try {
    record();
  } catch (error) {
    destroy();
    throw error;
  }
  return {
    stop: record,
    elapsedMs() {
      const ms = new Float32Array(1);
      call.cuEventElapsedTime(ms, events[0]!, events[1]!);
      return ms[0]!;
    },
    [Symbol.dispose]: destroy,
  };
}
