/** Wrappers of pruning variants: declared data alone, without kernels of their own. */

import { kernelName } from "../types.ts";
import type { Family } from "../types.ts";

/** The family of wrappers. */
export const wrappers: Family = Object.freeze<Family>({
  kind: "wrapper",
  heads: () => [],
  variants: () => [],
  emit: (_, request) => {
    throw new TypeError(`Cannot emit "${kernelName(request)}": a wrapper has no kernel`);
  },
});
