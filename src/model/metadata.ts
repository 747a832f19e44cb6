/**
 * Typed look-ups in a GGUF file's metadata: a value is there with the right type, or the error names the
 * file and the key. Used by the configuration, the tokenizer and the chat template.
 */

import { KerfError } from "../core/error.ts";
import type { Gguf, GgufValue } from "./gguf.ts";
import { TextList } from "./text_list.ts";

/** The part of a GGUF file these look-ups need. */
export type WithMetadata = Pick<Gguf, "path" | "metadata">;

const fail = (gguf: WithMetadata, key: string, state: string): never => {
  throw new KerfError(`Cannot use "${gguf.path}": its metadata "${key}" ${state}`, {
    hint: "the file is damaged or was made for another program: download another one",
  });
};

const shown = (value: GgufValue): string =>
  Array.isArray(value) || value instanceof TextList
    ? "is a list"
    : `is ${JSON.stringify(value, (_, v) => typeof v === "bigint" ? `${v}` : v)}`;

/** A finite number, or undefined when the key is absent. @throws {KerfError} */
export function optionalNumber(gguf: WithMetadata, key: string): number | undefined {
  const value = gguf.metadata.get(key);
  if (value === undefined) return undefined;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  return fail(gguf, key, `${shown(value)}, not a number`);
}

/** A number above zero. @throws {KerfError} */
export function positive(gguf: WithMetadata, key: string): number {
  const value = optionalNumber(gguf, key) ?? fail(gguf, key, "is missing");
  return value > 0 ? value : fail(gguf, key, `is ${value}, not above 0`);
}

/** A whole number from 1 to 2^31 − 1. @throws {KerfError} */
export function size(gguf: WithMetadata, key: string): number {
  const value = positive(gguf, key);
  return Number.isInteger(value) && value < 2 ** 31
    ? value
    : fail(gguf, key, `is ${value}, not a size`);
}

/** Text, or undefined when the key is absent. @throws {KerfError} */
export function optionalString(gguf: WithMetadata, key: string): string | undefined {
  const value = gguf.metadata.get(key);
  if (value === undefined || typeof value === "string") return value;
  return fail(gguf, key, `${shown(value)}, not text`);
}

/** Text. @throws {KerfError} */
export function string(gguf: WithMetadata, key: string): string {
  return optionalString(gguf, key) ?? fail(gguf, key, "is missing");
}

/** True, false, or undefined when the key is absent. @throws {KerfError} */
export function optionalBoolean(gguf: WithMetadata, key: string): boolean | undefined {
  const value = gguf.metadata.get(key);
  if (value === undefined || typeof value === "boolean") return value;
  return fail(gguf, key, `${shown(value)}, not true or false`);
}

/** A list of texts. @throws {KerfError} */
export function texts(gguf: WithMetadata, key: string): TextList {
  const value = gguf.metadata.get(key);
  return value instanceof TextList ? value : failList(gguf, key);
}

/** A list of numbers. @throws {KerfError} */
export function numbers(gguf: WithMetadata, key: string): readonly number[] {
  const value = gguf.metadata.get(key);
  const isList = Array.isArray(value) && value.every((v) => typeof v === "number");
  return isList ? value : failList(gguf, key);
}

function failList(gguf: WithMetadata, key: string): never {
  const isThere = gguf.metadata.has(key);
  return fail(gguf, key, isThere ? "is not a list of the right type" : "is missing");
}
