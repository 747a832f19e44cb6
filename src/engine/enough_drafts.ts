/** The kernel that lowers counts to what scores say is enough; nothing where a step declares none. */

import { massParts } from "../dsl/enough.ts";
import type { EnoughRule } from "../dsl/enough.ts";
import type { BufferSlice } from "../device/types.ts";
import type { Draft } from "./draft.ts";

/** What a layer's heads count. */
export interface CountAt {
  readonly layer: number;
  /** In words of a label. */
  readonly what: string;
  /** f32 [nLists, maxRows] */
  readonly scores: BufferSlice;
  /** The list of the layer's first KV head. */
  readonly firstList: number;
  readonly maxRows: number;
  /** Kept counts are rounded up to this. */
  readonly multiple: number;
  /** Rows at both ends that are no candidates. */
  readonly first: number;
  readonly last: number;
  /** Whether candidates of equal scores stay together. */
  readonly inBlocks: boolean;
  /** u32 [nLayers, nKvHeads, 4] */
  readonly cuts: BufferSlice;
}

/** Lowers a layer's `cuts`. */
export function enoughDrafts(rule: EnoughRule | null, at: CountAt): Draft[] {
  if (rule === null) return [];
  const { layer, what, scores, firstList, maxRows, multiple, first, last, inBlocks, cuts } = at;
  const { kind, amount, least } = rule;
  return [{
    kernel: kind === "mass" ? "count_mass" : "count_above",
    label: `layer ${layer} · count ${what}`,
    buffers: { candidate_scores: scores, cuts },
    constants: {
      ...{ layer, first_list: firstList, max_rows: maxRows, multiple, least },
      ...{ protect_first: first, protect_last: last },
      ...(kind === "mass"
        ? { mass: massParts(amount), takes_ties: inBlocks ? 1 : 0 }
        : { lowest: amount, relative: kind === "ofLargest" ? 1 : 0 }),
    },
  }];
}
