/**
 * Writes GGUF files for tests: whatever it is told, damaged on request only by the caller's hand. Kerf
 * itself never writes GGUF.
 *
 * Source: the GGUF specification (github.com/ggml-org/ggml, docs/gguf.md).
 */

import { STORAGE } from "../core/storage.ts";
import type { StorageName } from "../core/storage.ts";

/** A metadata value with its type in the file. */
export type WrittenValue =
  | { readonly u32: number }
  | { readonly u64: bigint }
  | { readonly f32: number }
  | { readonly bool: boolean }
  | { readonly string: string }
  | { readonly strings: readonly string[] }
  | { readonly i32s: readonly number[] };

/** A tensor to write; `shape` outermost first, `data` already in its storage type. */
export interface WrittenTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly storage: StorageName;
  readonly data: Uint8Array;
}

/** A whole file. */
export interface WrittenGguf {
  /** Default 3. */
  readonly version?: number;
  readonly metadata: Readonly<Record<string, WrittenValue>>;
  readonly tensors: readonly WrittenTensor[];
}

const ALIGNMENT = 32;

/** The bytes of a GGUF file. */
export function encodeGguf(gguf: WrittenGguf): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const put = (bytes: Uint8Array) => {
    parts.push(bytes);
    length += bytes.length;
  };
  const u32 = (n: number) => put(new Uint8Array(Uint32Array.of(n).buffer));
  const u64 = (n: number | bigint) => put(new Uint8Array(BigUint64Array.of(BigInt(n)).buffer));
  const string = (text: string) => {
    const bytes = new TextEncoder().encode(text);
    u64(bytes.length);
    put(bytes);
  };
  const pad = () => put(new Uint8Array(-length & (ALIGNMENT - 1)));
  const value = (v: WrittenValue) => {
    if ("u32" in v) return u32(4), u32(v.u32);
    if ("u64" in v) return u32(10), u64(v.u64);
    if ("f32" in v) return u32(6), put(new Uint8Array(Float32Array.of(v.f32).buffer));
    if ("bool" in v) return u32(7), put(Uint8Array.of(Number(v.bool)));
    if ("string" in v) return u32(8), string(v.string);
    u32(9);
    if ("strings" in v) return u32(8), u64(v.strings.length), v.strings.forEach(string);
    return u32(5), u64(v.i32s.length), put(new Uint8Array(Int32Array.from(v.i32s).buffer));
  };

  u32(0x46554747);
  u32(gguf.version ?? 3);
  u64(gguf.tensors.length);
  const entries = Object.entries(gguf.metadata);
  u64(entries.length);
  for (const [key, v] of entries) {
    string(key);
    value(v);
  }
  let offset = 0;
  for (const tensor of gguf.tensors) {
    string(tensor.name);
    u32(tensor.shape.length);
    tensor.shape.toReversed().forEach(u64);
    u32(STORAGE[tensor.storage].ggmlType);
    u64(offset);
    offset += Math.ceil(tensor.data.length / ALIGNMENT) * ALIGNMENT;
  }
  for (const tensor of gguf.tensors) {
    pad();
    put(tensor.data);
  }
  const file = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}
