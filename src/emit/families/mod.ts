/** Every family of kernels, by the kind of its definitions. */

import type { Family } from "../types.ts";
import { embedding } from "./embedding.ts";
import { matmul } from "./matmul.ts";
import { pack } from "./pack.ts";
import { pairwise } from "./pairwise.ts";
import { rowwise } from "./rowwise.ts";
import { templateKernel } from "./template_kernel.ts";

const families = [embedding, matmul, pack, pairwise, rowwise, templateKernel];

/** The families. A kind that is absent cannot be emitted. */
export const FAMILIES: Readonly<Record<string, Family>> = Object.freeze(
  Object.fromEntries(families.map((family) => [family.kind, family])),
);
