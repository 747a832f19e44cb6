/**
 * Template kernels that walk the rows of a cache: emitted once per layout. The file declares the signature
 * once; the family adds where each segment's pages begin, and leaves out `channels` where no segment
 * stores a list and `rope` where keys keep the rotation that they have (`angles` is the same table, for
 * kernels that read it anyway).
 */

import type { KernelSpec } from "./kernel.ts";
import type { Definition } from "./types.ts";

/** What a file declares. */
export interface LayoutKernelSpec extends KernelSpec {
  /** Whether it also reads rows that lie in classes, where they carry no positions. */
  readonly classes?: boolean;
  /**
   * `every`, the default: those of all segments of a layout with row positions. `whole`: those of the last
   * segments, where rows are before any has lost a channel.
   */
  readonly rows?: "every" | "whole";
  /** Whether token scores read what it makes; of the shipped ones none does that reads running sums. */
  readonly scores?: boolean;
  /** Of kernels over whole rows: which layouts need them. Values that lose channels, or keys by row. */
  readonly losing?: "values" | "sets";
}

/** A declared kernel; its template is `templates/<target>/<name>.*.njk`. */
export interface LayoutKernel extends Definition, LayoutKernelSpec {
  readonly rows: "every" | "whole";
  readonly losing: "values" | "sets";
  readonly kind: "layout_kernel";
  readonly classes: boolean;
  readonly scores: boolean;
  readonly defines: readonly string[];
}

/** Declares a kernel of layouts; a file in kernels/ops/ exports it as its default. */
export function layoutKernel(spec: LayoutKernelSpec): LayoutKernel {
  return Object.freeze({
    ...{ defines: [], classes: false, scores: false, rows: "every", losing: "values" },
    ...spec,
    ...{ kind: "layout_kernel", hooks: [] },
  });
}
