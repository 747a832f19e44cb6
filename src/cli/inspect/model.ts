/** `inspect model`: sizes, storage types and tokenizer of a model file, from its header. */

import { basename } from "@std/path";
import { formatBytes } from "../../core/bytes.ts";
import { counted } from "../../core/counted.ts";
import type { ParsedArgs } from "../args.ts";
import { writeOut } from "../terminal.ts";
import { readHeader } from "./header.ts";

/** An f32 of the file has seven digits that mean something. */
const shown = (value: unknown) =>
  String(typeof value === "number" ? Number(value.toPrecision(7)) : value);

export async function inspect({ values }: ParsedArgs): Promise<number> {
  const { gguf, config } = await readHeader(values);
  const storage: Record<string, { tensors: number; bytes: number }> = {};
  for (const tensor of gguf.tensors.values()) {
    const sum = storage[tensor.storage.name] ??= { tensors: 0, bytes: 0 };
    sum.tensors++;
    sum.bytes += tensor.bytes;
  }
  const parameters = [...gguf.tensors.values()].reduce(
    (sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1),
    0,
  );
  const name = gguf.metadata.get("general.name");
  if (values.json) {
    const file = { path: gguf.path, bytes: gguf.bytes, version: gguf.version };
    writeOut(JSON.stringify({ name, ...file, parameters, config, storage }, null, 2) + "\n");
    return 0;
  }
  const rows = [
    ["model", String(name ?? "")],
    ["file", `${basename(gguf.path)}, ${formatBytes(gguf.bytes)}, GGUF version ${gguf.version}`],
    ["parameters", `${(parameters / 1e6).toFixed(1)} M in ${gguf.tensors.size} tensors`],
    ...Object.entries(config).map(([key, value]) => [key, shown(value)]),
    ...Object.entries(storage).map(([type, { tensors, bytes }]) => [
      type,
      `${counted(tensors, "tensor")}, ${formatBytes(bytes)}`,
    ]),
  ];
  writeOut(rows.map(([key, value]) => `${key!.padEnd(12)}${value}\n`).join(""));
  return 0;
}
