/** What attention's templates read of a layout: the segments of both streams and the codes they are stored as. */

import { KerfError } from "../../core/error.ts";
import { STEP_FIELDS } from "../../core/signature.ts";
import { QUERY_TILE } from "../../core/tiles.ts";
import { parseLayoutName } from "../../layout/name.ts";
import { ARENA_UNIT, CHUNK_ROWS, isTurned, PAGE_ROWS } from "../../layout/types.ts";
import type { Layout, Segment } from "../../layout/types.ts";
import { headFields } from "../signature_parts.ts";
import { distinctCodes, isCode, storedCode } from "../stored.ts";
import type { StoredCode } from "../stored.ts";
import type { EmitRequest } from "../types.ts";
import { kernelName } from "../types.ts";
import type { AttentionKind } from "./attention_kind.ts";

/** One segment of keys as templates read it. */
export interface KeySegmentContext {
  /** Whether it stores the channels of a list. */
  readonly listed: boolean;
  /** Whether the channels of its list are of two classes, before those that are not stored. */
  readonly classes: boolean;
  /** Whether each of its rows has channels of its own, of which there are as many in all. */
  readonly sets: boolean;
  /** Whether its keys are stored as they are, channel by channel. */
  readonly plain: boolean;
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

/** What templates read of a layout. */
export interface AttentionLayoutContext {
  /** Whether what meets the cache is rounded to bytes anywhere, to bf16 anywhere, and to that where plain values are met. */
  readonly rounds_codes: boolean;
  readonly rounds_halves: boolean;
  readonly rounds_values: boolean;
  /** Whether weights meet nothing else: they are made in bf16. */
  readonly rounds_weights: boolean;
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
}

/** A layout, and the code of every segment of its streams. */
export interface LayoutCodes {
  readonly layout: Layout;
  readonly codes: Readonly<Record<"key" | "value", readonly StoredCode[]>>;
}

/**
 * The layout that a kernel's name asks for.
 *
 * @throws {KerfError} the name is no layout's, or attention cannot read what it names
 */
export function requestedLayout(request: EmitRequest): LayoutCodes {
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

/** Whether a code's elements are halves that all rows have. */
export const isHalf = ({ kind, name }: StoredCode): boolean => kind === "plain" && name === "f16";

const isListed = ({ channels }: Segment): boolean => channels === "list";

/** A layout as a kernel reads it. */
export function attentionLayoutContext(
  { layout, codes }: LayoutCodes,
  { entry, rounds }: AttentionKind,
): AttentionLayoutContext {
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
      plain: codes.key[i]!.kind === "plain",
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
    rounds_weights: rounds && codes.value.every(isHalf) && !value.segments.some(isListed),
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
