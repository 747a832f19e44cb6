/** The outside of kernels that move rows between two segments, as ARCHITECTURE.md's table has it. */

import type { Binding, Signature } from "../core/signature.ts";
import { PER_HEAD, readOnly, u32, updated } from "./signature_parts.ts";

/**
 * The signature of a row move.
 *
 * @param options.reads what it reads beside pages and moves; `ordered`: a list says where each row comes from;
 * `inClasses`: channels are in two classes, and heads may have several lists of them
 */
export const moveSignature = (
  name: string,
  { reads, ordered, inClasses = false }: {
    readonly reads: readonly Binding[];
    readonly ordered: boolean;
    readonly inClasses?: boolean;
  },
): Signature => ({
  name,
  bindings: [
    readOnly("src_pages", "u32", "nKvHeads", "page_entries"),
    readOnly("dst_pages", "u32", ...PER_HEAD, "page_entries"),
    ...reads,
    readOnly("moves", "u32", "nLayers", "nKvHeads", "4"),
    ...(ordered ? [readOnly("order", "u32", "nKvHeads", "max_rows")] : []),
    updated("arena", "u8", "arenaBytes"),
  ],
  constants: [
    u32("slot"),
    u32("layer"),
    u32("n_layers"),
    u32("n_kv_heads"),
    u32("page_entries", "entries of a head in both page tables"),
    u32("src_page", "the source segment's first page entry"),
    u32("dst_page", "the destination segment's first page entry"),
    u32("max_rows", ordered ? "rows of the longest order" : "rows of the longest move"),
    ...(inClasses
      ? [u32("n_key_lists", "lists of a head"), u32("key_list", "that of the coded segment")]
      : []),
  ],
  defines: ["HEAD_DIM"],
});
