/**
 * What the name of an attention kernel says: which part of the template it is, whether it leaves each row's softmax,
 * and whether what meets the cache is rounded.
 */

/** What a kernel of the family does: a part of the template. */
export type Entry = "prefill" | "decode" | "sums";

/** What a kernel does. */
export interface AttentionKind {
  readonly entry: Entry;
  /** Whether prefill also leaves the softmax of each row: its largest logit and sum of weights. */
  readonly records: boolean;
  /** Whether what meets the cache is rounded: to bytes where it meets codes, to bf16 where it meets halves. */
  readonly rounds: boolean;
}

/** The kernels of a variant, by what its name ends in. */
const ENTRIES: Readonly<Record<string, Omit<AttentionKind, "rounds">>> = {
  prefill: { entry: "prefill", records: false },
  decode: { entry: "decode", records: false },
  prefill_recording: { entry: "prefill", records: true },
  sums: { entry: "sums", records: false },
};

const Q8 = "_q8";

/** The names of a variant's kernels, without their layouts. */
export const headsOf = (name: string): string[] =>
  Object.keys(ENTRIES).flatMap((end) => ["", Q8].map((q8) => `attention_${name}_${end}${q8}`));

/** What a kernel's name says, without its layout. */
export const kindOf = (name: string, head: string): AttentionKind => {
  const rounds = head.endsWith(Q8);
  const end = head.slice(`attention_${name}_`.length, rounds ? -Q8.length : undefined);
  return { ...ENTRIES[end]!, rounds };
};

/**
 * Whether a kernel's outputs may be codes: a choice at run time, since a second kernel of each would be as much
 * code again, for a branch per row. What rounds runs where products take codes, unless their matrix has none.
 */
export const mayStoreCodes = ({ entry, rounds }: AttentionKind): boolean =>
  entry === "prefill" && rounds;
