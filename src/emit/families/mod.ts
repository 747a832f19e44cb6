/** Every family of kernels, by the kind of its definitions. */

import type { Family } from "../types.ts";
import { rowwise } from "./rowwise.ts";

/** The families. A kind that is absent cannot be emitted. */
export const FAMILIES: Readonly<Record<string, Family>> = Object.freeze(
  Object.fromEntries([rowwise].map((family) => [family.kind, family])),
);
