/**
 * The key/value half of a GGUF header: typed values behind their keys. Counts are bounded by what the
 * file can still hold, so a damaged one costs an error and no memory. Nested arrays are refused: no
 * writer makes them and they would need a depth limit.
 *
 * Source: the GGUF specification (github.com/ggml-org/ggml, docs/gguf.md).
 */

import type { FileCursor } from "./file_cursor.ts";
import type { TextList } from "./text_list.ts";

/** A number: 64-bit ones that a double cannot hold exactly stay bigint. */
export type GgufScalar = number | bigint | boolean | string;

/** One metadata value; a list of texts stays undecoded. */
export type GgufValue = GgufScalar | readonly GgufScalar[] | TextList;

/** Metadata by key, in the file's order. */
export type GgufMetadata = ReadonlyMap<string, GgufValue>;

/** The specification's limit for keys. */
const MAX_KEY_BYTES = 65535;
/** Far above any chat template or licence text, far below what memory would notice. */
const MAX_STRING_BYTES = 1 << 24;
/** Sixteen times the largest vocabulary in use. */
const MAX_ARRAY_VALUES = 1 << 22;

interface ValueType {
  readonly minBytes: number;
  readonly read: (cursor: FileCursor) => GgufScalar;
}

const exact = (n: bigint): number | bigint => {
  const value = Number(n);
  return Number.isSafeInteger(value) ? value : n;
};

/** Value types by their number in the file; 9 is the array, read below. */
const VALUE_TYPES: Readonly<Record<number, ValueType>> = {
  0: { minBytes: 1, read: (c) => c.u8() },
  1: { minBytes: 1, read: (c) => c.i8() },
  2: { minBytes: 2, read: (c) => c.u16() },
  3: { minBytes: 2, read: (c) => c.i16() },
  4: { minBytes: 4, read: (c) => c.u32() },
  5: { minBytes: 4, read: (c) => c.i32() },
  6: { minBytes: 4, read: (c) => c.f32() },
  7: { minBytes: 1, read: (c) => c.u8() !== 0 },
  8: { minBytes: 8, read: (c) => c.string(MAX_STRING_BYTES) },
  10: { minBytes: 8, read: (c) => exact(c.u64()) },
  11: { minBytes: 8, read: (c) => exact(c.i64()) },
  12: { minBytes: 8, read: (c) => c.f64() },
};
const [I32, F32, STRING, ARRAY] = [5, 6, 8, 9];
/** The shortest entry: an empty key, a type, one byte. */
const MIN_ENTRY_BYTES = 8 + 4 + 1;

/** The most entries that `remainingBytes` can hold. */
export const maxMetadataEntries = (remainingBytes: number): number =>
  Math.floor(remainingBytes / MIN_ENTRY_BYTES);

/**
 * Reads `nEntries` keys and values.
 * @throws {KerfError} through the cursor: the file ends, a type is unknown, a key comes twice
 */
export function readMetadata(cursor: FileCursor, nEntries: number): GgufMetadata {
  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < nEntries; i++) {
    cursor.inside = `metadata key ${i + 1} of ${nEntries}`;
    const key = cursor.string(MAX_KEY_BYTES);
    if (metadata.has(key)) cursor.fail(`metadata key "${key}" comes twice`);
    cursor.inside = `the value of "${key}"`;
    metadata.set(key, readValue(cursor));
  }
  return metadata;
}

function readValue(cursor: FileCursor): GgufValue {
  const type = cursor.u32();
  if (type !== ARRAY) return valueType(cursor, type).read(cursor);
  const itemType = cursor.u32();
  const { minBytes, read } = valueType(cursor, itemType);
  const max = Math.min(MAX_ARRAY_VALUES, Math.floor((cursor.remainingBytes - 8) / minBytes));
  const n = cursor.count(Math.max(0, max), `the count of ${cursor.inside}`);
  if (itemType === STRING) return cursor.texts(n, MAX_STRING_BYTES);
  // Lists as long as the vocabulary: kinds, scores.
  if (itemType === I32) return Array.from(new Int32Array(cursor.bytes(4 * n).buffer));
  if (itemType === F32) return Array.from(new Float32Array(cursor.bytes(4 * n).buffer));
  const values: GgufScalar[] = [];
  for (let i = 0; i < n; i++) values.push(read(cursor));
  return values;
}

function valueType(cursor: FileCursor, type: number): ValueType {
  return VALUE_TYPES[type] ??
    cursor.fail(
      type === ARRAY
        ? `${cursor.inside} is an array of arrays, which Kerf does not read`
        : `${cursor.inside} has the unknown type ${type}`,
    );
}
