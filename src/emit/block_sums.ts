/**
 * Sums of rows on their way from a kernel that stores codes to the product that reads these: one for each block
 * of a row, in tiles of 16 rows, so that the scales of 16 rows are made at once.
 */

import type { Binding } from "../core/signature.ts";

/** The binding: f32 [⌈nRows / 16⌉, stride / 32, 16], `stride` in inputs. */
export const blockSums = (
  name: string,
  { access, stride }: { readonly access: "read" | "write"; readonly stride: string },
): Binding => ({
  name,
  dtype: "f32",
  access,
  shape: ["⌈nRows / 16⌉", `${stride} / 32`, "16"],
});
