/**
 * Reads small tables from a safetensors file: every tensor by name, with its shape. Meant for the tables
 * of a variant, not for model weights: the file is read whole and bounded in size.
 *
 * Source: the safetensors format (github.com/huggingface/safetensors, README "Format").
 */

import { KerfError } from "../core/error.ts";

/** The element types read, by the format's names. */
const ELEMENTS = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Float16Array,
  I64: BigInt64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U64: BigUint64Array,
  U32: Uint32Array,
  U16: Uint16Array,
  U8: Uint8Array,
} as const;

/** An element type's name. */
export type SafetensorsType = keyof typeof ELEMENTS;

/** One tensor, row-major. */
export interface SafetensorsTable {
  readonly type: SafetensorsType;
  readonly shape: readonly number[];
  readonly data: InstanceType<(typeof ELEMENTS)[SafetensorsType]>;
}

/** Tables are per layer, head and channel, at most per position: far below this. */
const MAX_FILE_BYTES = 1 << 28;

/**
 * Reads all tensors of the file at `path`.
 * @throws {KerfError} it cannot be opened, is larger than 256 MiB, or is damaged
 */
export async function readSafetensors(
  path: string,
): Promise<ReadonlyMap<string, SafetensorsTable>> {
  const bytes = await readBounded(path);
  if (bytes.length < 8) fail(path, `it ends at byte ${bytes.length}`);
  const headerBytes = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  if (headerBytes > bytes.length - 8) {
    fail(path, `its header should take ${headerBytes} bytes, the file has ${bytes.length}`);
  }
  const header = parseHeader(path, bytes.subarray(8, 8 + headerBytes));
  const data = bytes.subarray(8 + headerBytes);
  const tables = new Map<string, SafetensorsTable>();
  for (const [name, entry] of Object.entries(header)) {
    if (name !== "__metadata__") tables.set(name, table(path, { name, entry, data }));
  }
  return tables;
}

async function readBounded(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const { size } = await Deno.stat(path);
    if (size > MAX_FILE_BYTES) fail(path, `it has ${size} bytes, tables at most ${MAX_FILE_BYTES}`);
    return await Deno.readFile(path);
  } catch (cause) {
    if (cause instanceof KerfError) throw cause;
    const why = cause instanceof Deno.errors.NotFound
      ? "there is no such file"
      : cause instanceof Error
      ? cause.message
      : String(cause);
    throw new KerfError(`Cannot read "${path}" as safetensors: ${why}`, {
      hint: "a relative path counts from where the command was typed",
      cause,
    });
  }
}

function parseHeader(path: string, bytes: Uint8Array): Record<string, unknown> {
  try {
    const header: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (typeof header === "object" && header !== null && !Array.isArray(header)) {
      return header as Record<string, unknown>;
    }
  } catch {
    // Not UTF-8 or not JSON: said below, as for JSON that is no object.
  }
  return fail(path, "its header is no JSON object");
}

function table(
  path: string,
  { name, entry, data }: { name: string; entry: unknown; data: Uint8Array<ArrayBuffer> },
): SafetensorsTable {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
  if (typeof dtype !== "string" || !Object.hasOwn(ELEMENTS, dtype)) {
    fail(path, `tensor "${name}" has elements ${dtype}, not ${Object.keys(ELEMENTS).join(", ")}`);
  }
  if (!isSizes(shape) || !isSizes(offsets) || offsets.length !== 2) {
    return fail(path, `tensor "${name}" has no shape or offsets`);
  }
  const type = dtype as SafetensorsType;
  const Elements = ELEMENTS[type];
  const [start, end] = offsets as [number, number];
  const bytes = shape.reduce((product, n) => product * n, 1) * Elements.BYTES_PER_ELEMENT;
  if (start > end || end > data.length || end - start !== bytes) {
    fail(
      path,
      `tensor "${name}" ${type} [${shape.join(", ")}] takes ${bytes} bytes, its offsets are ` +
        `${start} to ${end} of ${data.length}`,
    );
  }
  return { type, shape, data: new Elements(data.slice(start, end).buffer) };
}

const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);

function fail(path: string, state: string): never {
  throw new KerfError(`Cannot read "${path}" as safetensors: ${state}`);
}
