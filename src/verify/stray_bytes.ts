/** Bytes of the arena that a kernel changed though it had no business there; none are allowed. */

import { rowSides } from "../layout/types.ts";
import type { CaseRow } from "./state_rows.ts";
import { N_KV_HEADS } from "./cases.ts";
import type { Measurement } from "./compare.ts";
import { isKey, segmentsOf } from "./written_cache.ts";
import { elementByte, elementBytes, positionByte, sumByte, unitBytes } from "./written_rows.ts";
import type { WrittenCache } from "./written_cache.ts";

/** Compares the arenas before and after, beside the rows that were to be written. */
export function strayBytes(
  kernel: string,
  caches: { readonly before: WrittenCache; readonly after: WrittenCache },
  written: readonly CaseRow[],
): Measurement {
  const { before, after } = caches;
  const [was, is] = [before.buffers.arena, after.buffers.arena.slice()];
  const segments = segmentsOf(after.layout);
  const restore = (byte: number, size: number) => {
    for (let i = byte; i < byte + size; i++) is[i] = was[i]!;
  };
  for (const row of written) {
    const at = { ...row, nKvHeads: N_KV_HEADS };
    const sides = rowSides(after.layout, isKey(after.layout, at.index) ? "key" : "value");
    if (sides.positions) restore(positionByte(after, at), 4);
    if (sides.sums) restore(sumByte(after, at), 4);
    const { code, channels } = segments[at.index]!;
    if (code.kind === "affine" || channels === "bitmap") {
      const { start, size } = unitBytes(after, at);
      restore(start, size);
      continue;
    }
    const size = elementBytes(segments[at.index]!);
    const start = elementByte(after, at, 0);
    const step = segments[at.index]!.tile * size;
    for (let channel = 0; channel < at.width; channel++) restore(start + channel * step, size);
  }
  return changedBytes(kernel, was, is);
}

/** How many bytes of two arenas differ. */
export function changedBytes(
  kernel: string,
  was: Uint8Array<ArrayBuffer>,
  is: Uint8Array<ArrayBuffer>,
): Measurement {
  let stray = 0;
  // Whole words first: hardly one differs.
  const [before32, after32] = [new Uint32Array(was.buffer), new Uint32Array(is.buffer)];
  for (let word = 0; word < after32.length; word++) {
    if (before32[word] === after32[word]) continue;
    for (let i = 4 * word; i < 4 * word + 4; i++) stray += Number(is[i] !== was[i]);
  }
  const dims = [{ name: "bytes changed beside them", size: 1 }];
  return { kernel, dims, got: [stray], want: [0] };
}
