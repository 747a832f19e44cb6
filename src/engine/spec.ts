/**
 * The text form of variants: `none`, or steps joined by `+`, each `name:key=value,…`; a value may be
 * quoted. Says only what was written: whether a name or parameter exists is the registry's question.
 */

import { KerfError } from "../core/error.ts";

/** A value as written: a number where it reads as one, else text. */
export type SpecValue = number | string;

/** One step of a spec. */
export interface SpecStep {
  readonly name: string;
  readonly values: Readonly<Record<string, SpecValue>>;
}

const EXAMPLE = "a spec reads think:ratio=0.5,window=32; steps are joined by +; none is dense";
const NAME = /^[A-Za-z_]\w*$/;

function fail(spec: string, why: string): never {
  throw new KerfError(`Cannot read the spec "${spec}": ${why}`, { hint: EXAMPLE, exitCode: 2 });
}

/** Cuts at a separator, except inside quotes. */
export function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = [];
  let quote = "";
  let part = "";
  for (const char of text) {
    if (quote) {
      if (char === quote) quote = "";
    } else if (char === '"' || char === "'") {
      quote = char;
    } else if (char === separator) {
      parts.push(part);
      part = "";
      continue;
    }
    part += char;
  }
  if (quote) fail(text, `the quote ${quote} is never closed`);
  return [...parts, part];
}

function readValue(text: string): SpecValue {
  const quoted = /^(["'])(.*)\1$/s.exec(text);
  if (quoted) return quoted[2]!;
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : text;
}

function readStep(spec: string, text: string): SpecStep {
  const colon = text.indexOf(":");
  const name = (colon < 0 ? text : text.slice(0, colon)).trim();
  if (!NAME.test(name)) fail(spec, name ? `"${name}" is no name` : "a step has no name");
  const values: Record<string, SpecValue> = {};
  const list = colon < 0 ? [] : splitOutsideQuotes(text.slice(colon + 1), ",");
  for (const pair of list) {
    const equals = pair.indexOf("=");
    const key = pair.slice(0, Math.max(equals, 0)).trim();
    const value = pair.slice(equals + 1).trim();
    if (!NAME.test(key) || value === "") fail(spec, `"${pair.trim()}" is not key=value`);
    if (Object.hasOwn(values, key)) fail(spec, `"${key}" is set twice`);
    values[key] = readValue(value);
  }
  return { name, values };
}

/**
 * Reads a spec; `none` gives no steps.
 *
 * @throws {KerfError} exit code 2: the text is not a spec
 * @example
 * ```ts
 * import { parseSpec } from "./spec.ts";
 * const [step] = parseSpec("think:ratio=0.4");
 * if (step?.name !== "think" || step.values.ratio !== 0.4) throw new Error("wrong");
 * ```
 */
export function parseSpec(spec: string): SpecStep[] {
  const text = spec.trim();
  if (text === "none") return [];
  if (text === "") fail(spec, "it is empty");
  const steps = splitOutsideQuotes(text, "+").map((part) => readStep(spec, part));
  if (steps.some((step) => step.name === "none")) fail(spec, '"none" stands alone');
  return steps;
}

function formatValue(value: SpecValue): string {
  // A number's exponent loses its "+", which would start the next step.
  if (typeof value === "number") return String(value).replace("+", "");
  if (/^[\w./:=-]+$/.test(value) && typeof readValue(value) === "string") return value;
  return value.includes('"') ? `'${value}'` : `"${value}"`;
}

/** The spec of steps, in the shortest form that reads back the same. */
export function formatSpec(steps: readonly SpecStep[]): string {
  if (steps.length === 0) return "none";
  return steps.map(({ name, values }) => {
    const list = Object.entries(values).map(([key, value]) => `${key}=${formatValue(value)}`);
    return list.length ? `${name}:${list.join(",")}` : name;
  }).join("+");
}
