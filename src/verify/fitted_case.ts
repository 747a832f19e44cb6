/** What a layout asks of a case: heads that it takes, which layouts no run makes, and which have codes. */

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

/** Whether keys would be rotated again that lost channels: a parameter may say so, no run does. */
export const turnsPruned = ({ key, positions }: Layout): boolean =>
  positions === "cache" && key.segments.some(({ channels }) => channels !== "all");

/** Whether some rows are stored as codes. */
export const hasCodes = ({ key, value }: Layout): boolean =>
  [key, value].some(({ segments }) => segments.some(({ code }) => code.kind === "affine"));
