/** Writes small tables as a safetensors file, whole or not at all. */

import type { SafetensorsType } from "./safetensors.ts";

/** A tensor to write, row-major. */
export interface WrittenTable {
  readonly type: Extract<SafetensorsType, "F32" | "U32">;
  readonly shape: readonly number[];
  readonly data: Float32Array | Uint32Array;
}

/**
 * The bytes of a safetensors file.
 *
 * @param metadata what made it, as the format's `__metadata__`
 *
 * @example
 * ```ts
 * import { encodeSafetensors } from "./write_safetensors.ts";
 * const widths = { type: "U32", shape: [2], data: Uint32Array.of(3, 4) } as const;
 * const bytes = encodeSafetensors({ widths });
 * if (bytes.at(-4) !== 4) throw new Error("the last number is the last tensor's");
 * ```
 */
export function encodeSafetensors(
  tables: Readonly<Record<string, WrittenTable>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  let end = 0;
  const header: Record<string, unknown> = { __metadata__: metadata };
  for (const [name, { type, shape, data }] of Object.entries(tables)) {
    header[name] = { dtype: type, shape, data_offsets: [end, end + data.byteLength] };
    end += data.byteLength;
  }
  const text = JSON.stringify(header);
  // The data begins at a multiple of eight, as readers that map files want.
  const padded = new TextEncoder().encode(text.padEnd(Math.ceil(text.length / 8) * 8));
  const file = new Uint8Array(8 + padded.length + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(padded.length), true);
  file.set(padded, 8);
  let at = 8 + padded.length;
  for (const { data } of Object.values(tables)) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return file;
}
