/** Every family of kernels, by the kind of its definitions. */

import type { Family } from "../types.ts";
import { append } from "./append.ts";
import { attention } from "./attention.ts";
import { codingLosses } from "./coding_losses.ts";
import { embedding } from "./embedding.ts";
import { layoutKernels } from "./layout_kernel.ts";
import { matmul } from "./matmul.ts";
import { meanRows } from "./mean_rows.ts";
import { moveRows } from "./move_rows.ts";
import { pack } from "./pack.ts";
import { pairwise } from "./pairwise.ts";
import { pruning } from "./pruning.ts";
import { rowwise } from "./rowwise.ts";
import { setRows } from "./set_rows.ts";
import { templateKernel } from "./template_kernel.ts";
import { wrappers } from "./wrapper.ts";

const families = [
  append,
  attention,
  codingLosses,
  embedding,
  layoutKernels,
  matmul,
  meanRows,
  moveRows,
  pack,
  pairwise,
  pruning,
  rowwise,
  setRows,
  templateKernel,
  wrappers,
];

/** The families. A kind that is absent cannot be emitted. */
export const FAMILIES: Readonly<Record<string, Family>> = Object.freeze(
  Object.fromEntries(families.map((family) => [family.kind, family])),
);
