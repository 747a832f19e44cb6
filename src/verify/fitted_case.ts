/** What a layout asks of a case: heads that it takes. */

import { isTurned } from "../layout/types.ts";
import type { Layout } from "../layout/types.ts";
import type { AttentionCase, PruningCase } from "./cases.ts";

/** A case with heads that a layout takes: those in another basis have 2ⁿ channels. */
export function fitted<C extends AttentionCase | PruningCase>(
  given: C,
  { key, value }: Layout,
): C {
  if (!isTurned(key) && !isTurned(value)) return given;
  const headDim = 2 ** Math.ceil(Math.log2(given.shape.headDim));
  return { ...given, shape: { ...given.shape, headDim } };
}
