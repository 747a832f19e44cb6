/**
 * Attention: two kernels per variant and layout. Prefill takes tiles of queries through the whole cache;
 * decode makes one partial softmax per 256-row chunk, which `attention_merge` joins. Both are one
 * template, so that a row's bits do not depend on which of them computed it.
 */

import { KerfError } from "../../core/error.ts";
import type { GridFactor } from "../../core/signature.ts";
import type { Attention } from "../../dsl/attention.ts";
import type { Func } from "../../ir/types.ts";
import { layoutName } from "../../layout/name.ts";
import { hasRowClasses } from "../../layout/row_classes.ts";
import { CHUNK_ROWS, meetsRounded } from "../../layout/types.ts";
import type { Layout } from "../../layout/types.ts";
import { readsKeyOrder } from "../key_order.ts";
import { isCode } from "../stored.ts";
import type { Family } from "../types.ts";
import { kernelName } from "../types.ts";
import { attentionHooksContext } from "./attention_hooks.ts";
import type { AttentionHooksContext } from "./attention_hooks.ts";
import { headsOf, kindOf, mayStoreCodes } from "./attention_kind.ts";
import type { AttentionKind, Entry } from "./attention_kind.ts";
import { attentionLayoutContext, isHalf, requestedLayout } from "./attention_layout.ts";
import type { AttentionLayoutContext, LayoutCodes } from "./attention_layout.ts";
import { attentionSignature } from "./attention_signature.ts";

/** What templates/<target>/attention.* read. */
export interface AttentionContext
  extends AttentionKind, AttentionLayoutContext, AttentionHooksContext {
  /** Whether outputs may be stored as 8-bit codes, where a constant says so. */
  readonly may_store_codes: boolean;
}

/** The family of attention variants. */
export const attention: Family = Object.freeze<Family>({
  kind: "attention",
  heads: ({ definition: { name } }) => headsOf(name),
  variants: ({ definition: { name } }, { layouts }, head) => {
    // Other variants on other layouts are rendered when a plan asks for them.
    const own = name === "causal" ? layouts : layouts.slice(0, 1);
    const { entry, records, rounds } = kindOf(name, head);
    // Where rows have sums, prefill always leaves what they are made from.
    const sums = entry === "sums" || records;
    return own.filter(({ rowSums }) => entry === "decode" || rowSums === sums)
      .filter((layout) => meetsRounded(layout) || !rounds)
      .map((layout) => [layoutName(layout)]);
  },
  emit(source, request, target) {
    const definition = source.definition as Attention;
    const requested = requestedLayout(request);
    checkOrder(definition, { layout: requested.layout, funcs: source.funcs });
    const kind = kindOf(definition.name, request.head);
    const { entry, records, rounds } = kind;
    if (entry === "sums" && !requested.layout.rowSums) {
      throw new KerfError(`Cannot emit "${kernelName(request)}": rows of its layout have no sums`, {
        hint: "a layout such as k_f16t16_v_f16t1_evicted_summed",
      });
    }
    const context: AttentionContext = {
      ...kind,
      may_store_codes: mayStoreCodes(kind),
      ...attentionLayoutContext(requested, kind),
      ...attentionHooksContext(definition, { funcs: source.funcs, target }),
    };
    return {
      signature: attentionSignature(request, definition, { layout: requested.layout, ...kind }),
      doc: [
        ...source.doc,
        ...ENTRY_DOC[entry],
        ...(records ? RECORDING_DOC : []),
        ...(rounds ? roundingDoc(requested) : []),
      ],
      from: [source.file],
      template: "attention",
      context: { ...context },
      grid: GRID[entry],
    };
  },
});

const ENTRY_DOC = {
  prefill: ["Prefill: tiles of queries over the whole cache, chunk after chunk."],
  decode: [
    "Decode: one partial softmax per 256-row chunk of the cache; attention_merge joins them.",
  ],
  sums: [
    "Adds to the running sum of every row what the step's queries give it, query after query.",
  ],
};

const RECORDING_DOC = ["Leaves the softmax of every row, for the sums of columns."];

const CODES_DOC = "Codes are multiplied as whole numbers, by bytes of queries and of weights.";
const HALVES_DOC = "Halves, queries and weights that meet them are rounded to bf16.";

/** What is rounded of a layout. */
const roundingDoc = ({ codes: { key, value } }: LayoutCodes): string[] => {
  const all = [...key, ...value];
  return [
    ...(all.some(isCode) ? [CODES_DOC] : []),
    ...(all.some(isHalf) ? [HALVES_DOC] : []),
  ];
};

const KV_HEADS: GridFactor = { of: { constant: "n_kv_heads" } };
const GRID: Readonly<Record<Entry, readonly GridFactor[]>> = {
  prefill: [{ of: { step: "nTiles" } }, KV_HEADS],
  decode: [{ of: { step: "nDecode" } }, KV_HEADS, { of: { step: "nSplits" } }],
  sums: [{ of: { step: "nSeqs" } }, KV_HEADS, { of: { constant: "n_ctx" }, per: CHUNK_ROWS }],
};

/** @throws {KerfError} exit code 2: hooks read where keys stand, and rows lie by class without positions */
function checkOrder(
  { name }: Attention,
  { layout, funcs }: { readonly layout: Layout; readonly funcs: Readonly<Record<string, Func>> },
): void {
  if (!hasRowClasses(layout) || layout.rowPositions || !readsKeyOrder(funcs)) return;
  throw new KerfError(
    `Cannot attend with "${name}": it reads positions of keys, and rows that lie by class carry none`,
    { hint: "--attention causal, or a --prune that leaves rows in order", exitCode: 2 },
  );
}
