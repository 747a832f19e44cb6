/**
 * The tensor half of a GGUF header: name, shape, storage type and where the bytes lie. What it returns
 * lies inside the file, aligned and without overlap; the bytes themselves are never read here.
 *
 * Source: the GGUF specification (github.com/ggml-org/ggml, docs/gguf.md).
 */

import { STORAGE, storageOfGgmlType } from "../core/storage.ts";
import type { StorageType } from "../core/storage.ts";
import type { FileCursor } from "./file_cursor.ts";

/** One tensor of a GGUF file. */
export interface GgufTensor {
  readonly name: string;
  /** Outermost first: a matrix is [nOut, nIn]. (The file lists them innermost first.) */
  readonly shape: readonly number[];
  readonly storage: StorageType;
  /** Absolute offset in the file. */
  readonly offset: number;
  readonly bytes: number;
}

/** ggml's own limit is 64; published names stay below it. */
const MAX_NAME_BYTES = 1024;
const MAX_DIMS = 4;
/** The shortest entry: an empty name, one dimension, a type, an offset. */
const MIN_ENTRY_BYTES = 8 + 4 + 8 + 4 + 8;

/** The most tensors that `remainingBytes` can describe. */
export const maxTensors = (remainingBytes: number): number =>
  Math.floor(remainingBytes / MIN_ENTRY_BYTES);

/**
 * Reads `nTensors` entries; their offsets count from the first multiple of `alignment` after them.
 * @throws {KerfError} through the cursor
 */
export function readTensors(
  cursor: FileCursor,
  options: { nTensors: number; alignment: number },
): ReadonlyMap<string, GgufTensor> {
  const { nTensors, alignment } = options;
  const entries: GgufTensor[] = [];
  for (let i = 0; i < nTensors; i++) entries.push(readEntry(cursor, { i, nTensors, alignment }));
  const dataOffset = Math.ceil(cursor.offset / alignment) * alignment;
  const tensors = new Map<string, GgufTensor>();
  for (const entry of entries) {
    if (tensors.has(entry.name)) cursor.fail(`tensor "${entry.name}" comes twice`);
    tensors.set(entry.name, { ...entry, offset: dataOffset + entry.offset });
  }
  checkPlaces(cursor, [...tensors.values()]);
  return tensors;
}

function readEntry(
  cursor: FileCursor,
  { i, nTensors, alignment }: { i: number; nTensors: number; alignment: number },
): GgufTensor {
  cursor.inside = `the name of tensor ${i + 1} of ${nTensors}`;
  const name = cursor.string(MAX_NAME_BYTES);
  cursor.inside = `the entry of tensor "${name}"`;
  const nDims = cursor.u32();
  if (nDims < 1 || nDims > MAX_DIMS) {
    cursor.fail(`tensor "${name}" has ${nDims} dimensions, not 1 to ${MAX_DIMS}`);
  }
  const dims: number[] = [];
  for (let d = 0; d < nDims; d++) {
    // The densest storage type holds less than two values in a byte.
    const n = cursor.count(2 * cursor.fileBytes, `a dimension of "${name}"`);
    if (n === 0) cursor.fail(`tensor "${name}" has a dimension of 0`);
    dims.push(n);
  }
  const storage = storageType(cursor, { name, ggmlType: cursor.u32() });
  const rowValues = dims[0]!;
  if (rowValues % storage.blockValues !== 0) {
    cursor.fail(
      `tensor "${name}" has rows of ${rowValues} values, which ${storage.name} blocks of ` +
        `${storage.blockValues} do not divide`,
    );
  }
  const bytes = dims.reduce((product, n) => product * n, 1) / storage.blockValues *
    storage.blockBytes;
  if (bytes > cursor.fileBytes) {
    cursor.fail(
      `tensor "${name}" [${dims.toReversed().join(", ")}] takes ${bytes} bytes, the file has ` +
        `${cursor.fileBytes}`,
      "the file is incomplete or damaged: download it again",
    );
  }
  const offset = cursor.count(cursor.fileBytes, `the offset of "${name}"`);
  if (offset % alignment !== 0) {
    cursor.fail(`tensor "${name}" starts at ${offset}, not a multiple of ${alignment}`);
  }
  return { name, shape: dims.toReversed(), storage, offset, bytes };
}

function storageType(
  cursor: FileCursor,
  { name, ggmlType }: { name: string; ggmlType: number },
): StorageType {
  return storageOfGgmlType(ggmlType) ?? cursor.fail(
    `tensor "${name}" is stored as ggml type ${ggmlType}, which Kerf does not read`,
    `choose a file with ${Object.keys(STORAGE).join(", ")}`,
  );
}

function checkPlaces(cursor: FileCursor, tensors: readonly GgufTensor[]): void {
  const sorted = tensors.toSorted((a, b) => a.offset - b.offset);
  for (const [i, tensor] of sorted.entries()) {
    const end = tensor.offset + tensor.bytes;
    if (end > cursor.fileBytes) {
      cursor.fail(
        `tensor "${tensor.name}" ends at byte ${end}, the file has ${cursor.fileBytes}`,
        "the file is incomplete: download it again",
      );
    }
    const next = sorted[i + 1];
    if (next !== undefined && next.offset < end) {
      cursor.fail(`tensors "${tensor.name}" and "${next.name}" overlap`);
    }
  }
}
