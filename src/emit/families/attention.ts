/**
 * Attention: two kernels per variant and layout. Prefill takes tiles of queries through the whole cache;
 * decode makes one partial softmax per 256-row chunk, which `attention_merge` joins. Both are one
 * template, so that a row's bits do not depend on which of them computed it.
 */

import { KerfError } from "../../core/error.ts";
import { STEP_FIELDS } from "../../core/signature.ts";
import type { Binding, GridFactor, Signature } from "../../core/signature.ts";
import { QUERY_TILE } from "../../core/tiles.ts";
import type { Attention } from "../../dsl/attention.ts";
import { keyRange } from "../../ir/key_range.ts";
import type { Func } from "../../ir/types.ts";
import { layoutName, parseLayoutName } from "../../layout/name.ts";
import { ARENA_UNIT, CHUNK_ROWS, isTurned, meetsRounded, PAGE_ROWS } from "../../layout/types.ts";
import { hasRowClasses } from "../../layout/row_classes.ts";
import type { Layout, Segment } from "../../layout/types.ts";
import { emitFunc, uniform, upTo, varying } from "../func.ts";
import type { Argument } from "../func.ts";
import { markedText } from "../lines.ts";
import type { CodeLine } from "../lines.ts";
import { readsKeyOrder } from "../key_order.ts";
import { hookScope, snakeCase } from "../names.ts";
import { paramConstants } from "../params.ts";
import { headFields, listShape, PER_HEAD, readOnly, u32, VALUE_FILLS } from "../signature_parts.ts";
import { distinctCodes, isCode, storedCode } from "../stored.ts";
import type { StoredCode } from "../stored.ts";
import { tableArgument } from "../table_argument.ts";
import type { EmitTarget } from "../target.ts";
import type { EmitRequest, Family } from "../types.ts";
import { kernelName } from "../types.ts";

/** One segment of keys as templates read it. */
export interface KeySegmentContext {
  /** Whether it stores the channels of a list. */
  readonly listed: boolean;
  /** Whether the channels of its list are of two classes, before those that are not stored. */
  readonly classes: boolean;
  /** Whether each of its rows has channels of its own, of which there are as many in all. */
  readonly sets: boolean;
  /** The name of its code. */
  readonly code: string;
  /** Where its rows and its width stand among a head's fields of `heads`. */
  readonly rows_field: string;
  readonly width_field: string;
}

/** One segment of values as templates read it. */
export interface ValueSegmentContext {
  /** Whether it stores the channels of a list. */
  readonly listed: boolean;
  /** Whether its values are codes. */
  readonly coded: boolean;
  /** Whether nothing of them is stored: they read as their mean. */
  readonly empty: boolean;
  readonly code: string;
  readonly rows_field: string;
  readonly width_field: string;
}

/** A code as the kernel at hand reads it. */
export interface ReadCode extends StoredCode {
  /** Whether what meets its elements is rounded. */
  readonly rounds: boolean;
}

/** What templates/<target>/attention.* read. */
export interface AttentionContext {
  readonly entry: Entry;
  /** Whether prefill also leaves the softmax of each row: its largest logit and sum of weights. */
  readonly records: boolean;
  /** Whether what meets the cache is rounded: to bytes where it meets codes, to bf16 where it meets halves. */
  readonly rounds: boolean;
  /** Whether outputs may be stored as 8-bit codes, where a constant says so. */
  readonly may_store_codes: boolean;
  /** Whether that is bytes anywhere, bf16 anywhere, and bf16 where plain values are met. */
  readonly rounds_codes: boolean;
  readonly rounds_halves: boolean;
  readonly rounds_values: boolean;
  readonly page_rows: string;
  readonly tile_rows: string;
  readonly chunk_rows: string;
  readonly arena_unit: string;
  readonly query_tile: string;
  readonly head_fields: string;
  /** The step header's field that counts splits. */
  readonly n_splits_field: string;
  readonly key_segments: readonly KeySegmentContext[];
  readonly value_segments: readonly ValueSegmentContext[];
  readonly lists_channels: boolean;
  readonly lists_values: boolean;
  /** Whether some segment of values stores nothing; keys' of the same index has its rows. */
  readonly empty_values: boolean;
  /** Every code of a stream once; of values those of segments with every channel, and those with a list. */
  readonly key_codes: readonly ReadCode[];
  readonly value_codes: readonly ReadCode[];
  readonly listed_codes: readonly StoredCode[];
  /** Whether either stream has coded segments, and whether keys have. */
  readonly reads_codes: boolean;
  readonly codes_keys: boolean;
  /** Whether scales of keys, a channel's each, are folded into the queries. */
  readonly folds_groups: boolean;
  /** Whether coded keys have scales of their rows. */
  readonly row_scales: boolean;
  /** Whether a segment of values is codes of every channel. */
  readonly codes_whole_values: boolean;
  /** Whether keys have rows with channels of their own. */
  readonly reads_sets: boolean;
  /** Whether channels that are not stored read as means. */
  readonly fills_means: boolean;
  /** Whether stored keys have two classes of channels, in a list for each segment, and the others a mean that they read as. */
  readonly channel_classes: boolean;
  /** Of the segments that new rows go to. */
  readonly key_code: "f16" | "f32";
  readonly value_code: "f16" | "f32";
  /** Whether values are stored in the Hadamard basis: what is made of them is turned back. */
  readonly turns_values: boolean;
  /** Whether pages of values begin with their rows' positions; else a key's place is its position. */
  readonly row_positions: boolean;
  /** Whether running sums stand behind these. */
  readonly row_sums: boolean;
  /** What the hooks need once per query, before the loop over keys. */
  readonly uniform_lines: string;
  readonly score_lines: string;
  /** The logit of one key per lane, from `s`. */
  readonly score: string;
  readonly mask_lines: string;
  /** Whether the query sees each lane's key. */
  readonly mask: string;
  /** What the range of visible keys needs, then its ends: i32, inclusive. */
  readonly range_lines: string;
  readonly range_lower: string;
  readonly range_upper: string;
}

/** What a kernel of the family does: a part of the template. */
type Entry = "prefill" | "decode" | "sums";

/** The kernels of a variant, by what its name ends in. */
const ENTRIES: Readonly<Record<string, { readonly entry: Entry; readonly records: boolean }>> = {
  prefill: { entry: "prefill", records: false },
  decode: { entry: "decode", records: false },
  prefill_recording: { entry: "prefill", records: true },
  sums: { entry: "sums", records: false },
};

/** The family of attention variants. */
export const attention: Family = Object.freeze<Family>({
  kind: "attention",
  heads: ({ definition: { name } }) =>
    Object.keys(ENTRIES).flatMap((end) => ["", Q8].map((q8) => `attention_${name}_${end}${q8}`)),
  variants: ({ definition: { name } }, { layouts }, head) => {
    // Other variants on other layouts are rendered when a plan asks for them.
    const own = name === "causal" ? layouts : layouts.slice(0, 1);
    const { entry, records, rounds } = entryOf(name, head);
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
    const { entry, records, rounds } = entryOf(definition.name, request.head);
    if (entry === "sums" && !requested.layout.rowSums) {
      throw new KerfError(`Cannot emit "${kernelName(request)}": rows of its layout have no sums`, {
        hint: "a layout such as k_f16t16_v_f16t1_evicted_summed",
      });
    }
    const context: AttentionContext = {
      ...{ entry, records, rounds, may_store_codes: mayStoreCodes({ entry, rounds }) },
      ...layoutContext(requested, { entry, rounds }),
      ...hookContext(definition, { funcs: source.funcs, target }),
    };
    return {
      signature: signature(request, definition, {
        layout: requested.layout,
        entry,
        records,
        rounds,
      }),
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

/** Ends the name of a kernel that rounds what meets the cache. */
const Q8 = "_q8";

/** What a head tells. */
const entryOf = (name: string, head: string) => {
  const rounds = head.endsWith(Q8);
  const end = head.slice(`attention_${name}_`.length, rounds ? -Q8.length : undefined);
  return { ...ENTRIES[end]!, rounds };
};

/**
 * Whether a kernel's outputs may be codes: a choice at run time, since a second kernel of each would be as much
 * code again, for a branch per row. What rounds runs where products take codes, unless their matrix has none.
 */
const mayStoreCodes = ({ entry, rounds }: { readonly entry: Entry; readonly rounds: boolean }) =>
  entry === "prefill" && rounds;

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

/** Whether a code's elements are halves that all rows have. */
const isHalf = ({ kind, name }: StoredCode): boolean => kind === "plain" && name === "f16";

const KV_HEADS: GridFactor = { of: { constant: "n_kv_heads" } };
const GRID: Readonly<Record<Entry, readonly GridFactor[]>> = {
  prefill: [{ of: { step: "nTiles" } }, KV_HEADS],
  decode: [{ of: { step: "nDecode" } }, KV_HEADS, { of: { step: "nSplits" } }],
  sums: [{ of: { step: "nSeqs" } }, KV_HEADS, { of: { constant: "n_ctx" }, per: CHUNK_ROWS }],
};

/** A layout, and the code of every segment of its streams. */
interface LayoutCodes {
  readonly layout: Layout;
  readonly codes: Readonly<Record<"key" | "value", readonly StoredCode[]>>;
}

/** @throws {KerfError} the name is no layout's, or attention cannot read what it names */
function requestedLayout(request: EmitRequest): LayoutCodes {
  const name = kernelName(request);
  const layout = parseLayoutName(request.suffixes.join("__"));
  const codes = {
    key: layout.key.segments.map((segment) => storedCode(name, segment, "key")),
    value: layout.value.segments.map((segment) => storedCode(name, segment, "value")),
  };
  const plain = new Set(codes.key.filter(({ kind }) => kind === "plain").map((code) => code.name));
  if (plain.size !== 1) {
    throw new KerfError(
      `Cannot emit "${name}": attention reads keys of one type`,
      { hint: "a layout such as k_list_f16t16_f16t16_v_f16t1" },
    );
  }
  return { layout, codes };
}

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
const isEmpty = ({ channels }: Segment): boolean => channels === "none";
const isListed = ({ channels }: Segment): boolean => channels === "list";

function layoutContext(
  { layout, codes }: LayoutCodes,
  { entry, rounds }: { readonly entry: Entry; readonly rounds: boolean },
) {
  const read = (of: readonly StoredCode[]): ReadCode[] =>
    distinctCodes(of).map((code) => ({
      ...code,
      rounds: rounds && (isCode(code) || isHalf(code)),
    }));
  const { key, value } = layout;
  const nKeys = key.segments.length;
  const listed = key.segments.map(isListed);
  const keyCodes = read(codes.key);
  const valueCodes = read(
    codes.value.filter(({ kind }, i) => kind !== "none" && !isListed(value.segments[i]!)),
  );
  // Sums are of weights: nobody reads values.
  const listsValue = (segment: Segment) => entry !== "sums" && isListed(segment);
  return {
    page_rows: String(PAGE_ROWS),
    tile_rows: "16",
    chunk_rows: String(CHUNK_ROWS),
    arena_unit: String(ARENA_UNIT),
    query_tile: String(QUERY_TILE),
    head_fields: headFields(layout),
    n_splits_field: String(STEP_FIELDS.indexOf("nSplits")),
    key_segments: listed.map((list, i) => ({
      listed: list,
      classes: codes.key[i]!.kind === "classes",
      sets: codes.key[i]!.kind === "sets",
      code: codes.key[i]!.name,
      rows_field: String(2 * i),
      width_field: String(2 * i + 1),
    })),
    value_segments: codes.value.map((code, i) => ({
      listed: listsValue(value.segments[i]!),
      coded: isCode(code),
      empty: entry !== "sums" && code.kind === "none",
      code: code.name,
      rows_field: String(2 * (nKeys + i)),
      width_field: String(2 * (nKeys + i) + 1),
    })),
    lists_channels: listed.includes(true),
    lists_values: value.segments.some(listsValue),
    empty_values: entry !== "sums" && codes.value.some(({ kind }) => kind === "none"),
    key_codes: keyCodes,
    value_codes: valueCodes,
    rounds_codes: rounds && [...codes.key, ...codes.value].some(isCode),
    rounds_halves: [...keyCodes, ...(entry === "sums" ? [] : valueCodes)].some((code) =>
      code.rounds && isHalf(code)
    ),
    rounds_values: valueCodes.some((code) => code.rounds && isHalf(code)),
    listed_codes: distinctCodes(codes.value.filter((_, i) => isListed(value.segments[i]!))),
    reads_codes: [...codes.key, ...codes.value].some(isCode),
    codes_keys: codes.key.some(isCode),
    folds_groups: codes.key.some((code) => isCode(code) && code.along === "rows"),
    row_scales: codes.key.some(({ kind }) => kind === "row_scales"),
    codes_whole_values: valueCodes.some(isCode),
    reads_sets: codes.key.some(({ kind }) => kind === "sets"),
    fills_means: key.segments.some(({ fill }) => fill === "mean"),
    turns_values: isTurned(value),
    channel_classes: codes.key.some(({ kind }) => kind === "classes"),
    row_positions: layout.rowPositions,
    row_sums: layout.rowSums,
    key_code: key.segments.at(-1)!.code.kind as "f16" | "f32",
    value_code: value.segments.at(-1)!.code.kind as "f16" | "f32",
  };
}

/** Both hooks in the lanes of one loop over keys, and the range of keys in scalars. */
function hookContext(
  definition: Attention,
  { funcs, target }: {
    readonly funcs: Readonly<Record<string, Func>>;
    readonly target: EmitTarget;
  },
) {
  const params = paramConstants(definition.params);
  const known: Record<string, Argument> = {
    s: varying("s"),
    keyPosition: upTo(varying("key_position")),
    queryPosition: upTo(uniform("query.position")),
    head: upTo(uniform("query.head")),
    kvHead: upTo(uniform("query.kv_head")),
    layer: upTo(uniform("query.layer")),
  };
  Object.entries(definition.params).forEach(([name, { integer, min = -1, max }], i) => {
    const constant = uniform(target.constant(params[i]!.name));
    known[name] = integer && min >= 0 ? upTo(constant, max) : constant;
  });
  for (const [name, spec] of Object.entries(definition.tables)) {
    known[name] = tableArgument(name, spec, target);
  }
  const argsOf = (func: Func, scoreFirst: boolean) =>
    func.params.map((p, i) => scoreFirst && i === 0 ? known["s"]! : known[p.name]!);
  const lanes = (path: string, into: string) => {
    const func = funcs[path]!;
    return emitFunc(func, { target, form: "lanes", scope, args: argsOf(func, true), into: [into] });
  };
  const scope = hookScope();
  const score = lanes("score", "score");
  const mask = lanes("mask", "mask");

  const rangeScope = hookScope();
  const rangeLines: CodeLine[] = [];
  const end = (func: Func | null, absent: number) => {
    if (func === null) return target.literal(absent, "i32").text;
    const args = argsOf(func, false);
    const printed = emitFunc(func, { target, form: "scalar", scope: rangeScope, args });
    rangeLines.push(...printed.uniform, ...printed.lines);
    return printed.results[0]!;
  };
  const range = keyRange(funcs["mask"]!);
  const range_lower = end(range.lower, 0);
  const range_upper = end(range.upper, 0x7fffffff);
  return {
    uniform_lines: markedText([...score.uniform, ...mask.uniform]),
    score_lines: markedText(score.lines),
    score: score.results[0]!,
    mask_lines: markedText(mask.lines),
    mask: mask.results[0]!,
    range_lines: markedText(rangeLines),
    range_lower,
    range_upper,
  };
}

/** The rows of a step that an entry takes. */
const ROWS: Readonly<Record<Entry, readonly Binding[]>> = {
  prefill: [readOnly("tiles", "u32", "nTiles", "4")],
  decode: [readOnly("decode_rows", "u32", "nDecode"), readOnly("row_seq", "u32", "nRows")],
  sums: [],
};

/** What an entry writes. */
const OUTPUTS: Readonly<Record<Entry, Binding>> = {
  prefill: { name: "out", dtype: "f32", access: "write", shape: ["nRows", "out_stride"] },
  decode: {
    name: "partials",
    dtype: "f32",
    access: "write",
    shape: ["nDecode", "nHeads", "nSplits", "headDim + 16"],
  },
  sums: { name: "arena", dtype: "u8", access: "readwrite", shape: ["arenaBytes"] },
};

/** The outside, as ARCHITECTURE.md's table has it. */
function signature(
  request: EmitRequest,
  definition: Attention,
  { layout, entry, records, rounds }: {
    readonly layout: Layout;
    readonly entry: Entry;
    readonly records: boolean;
    readonly rounds: boolean;
  },
): Signature {
  const prefill = entry === "prefill";
  const mayBeCodes = mayStoreCodes({ entry, rounds });
  const [listed, listsValues] = [layout.key, layout.value].map((s) => s.segments.some(isListed));
  // Nobody reads values for sums.
  const readsMeans = entry !== "sums" && layout.value.segments.some(isEmpty);
  const filled = readsMeans || layout.key.segments.some((segment) => segment.fill === "mean");
  const output = OUTPUTS[entry];
  const softmax = ["nRows", "nHeads", "2"];
  return {
    name: kernelName(request),
    bindings: [
      readOnly("qkv", "f32", "nRows", "qkv_stride"),
      ...ROWS[entry],
      readOnly("seqs", "u32", "nSeqs", "4"),
      readOnly("pages", "u32", ...PER_HEAD, "page_entries"),
      readOnly("heads", "u32", ...PER_HEAD, headFields(layout)),
      ...(listed ? [readOnly("channels", "u32", ...listShape(layout))] : []),
      ...(listsValues && entry !== "sums"
        ? [readOnly("value_channels", "u32", ...PER_HEAD, "headDim")]
        : []),
      ...(filled ? [readOnly("fills", "f32", ...listShape(layout))] : []),
      ...(entry === "sums" ? [] : [readOnly("arena", "u8", "arenaBytes")]),
      ...Object.entries(definition.tables).map(([name, t]) =>
        readOnly(snakeCase(name), t.dtype, ...t.shape)
      ),
      ...(entry === "sums" ? [readOnly("row_softmax", "f32", ...softmax)] : []),
      mayBeCodes ? { ...output, dtype: "u8", shape: ["nRows", "4 * out_stride"] } : output,
      ...(records ? [{ ...output, name: "row_softmax", shape: softmax }] : []),
      readOnly("step", "u32", "stepFields"),
    ],
    constants: [
      u32("layer"),
      u32("n_layers"),
      u32("n_heads"),
      u32("n_kv_heads"),
      u32("qkv_stride", "elements between rows of qkv"),
      ...(prefill ? [u32("out_stride", "elements between rows of out")] : []),
      ...(mayBeCodes ? [u32("stores_codes", "1: rows of out are 8-bit codes; 0: f32")] : []),
      u32("page_entries", "entries of a head in pages"),
      ...(entry === "sums" ? [u32("n_ctx", "rows that a head may have")] : []),
      ...layout.key.segments.map((_, i) => u32(`key_page_${i}`, "the segment's first page entry")),
      ...layout.value.segments.map((_, i) => u32(`value_page_${i}`)),
      ...(readsMeans ? [VALUE_FILLS] : []),
      { name: "scale", dtype: "f32", doc: "1 / √headDim" },
      ...paramConstants(definition.params),
    ],
    defines: ["HEAD_DIM", "GROUP"],
  };
}
