/**
 * Runs a kernel file to get its definition. Only after its text was checked: what cannot be read, or
 * imports what it must not, is never run.
 */

import { toFileUrl } from "@std/path";
import type { Node, SourceFile } from "ts-morph";
import type { Definition } from "../dsl/types.ts";
import type { Report } from "./diagnostic.ts";

/** What becomes part of symbols on every target. */
const KERNEL_NAME = /^[A-Za-z][A-Za-z0-9_]*$/;

/** The file's definition; undefined after a report at `exported`, its default export. */
export async function runModule(
  file: SourceFile,
  exported: Node,
  report: Report,
): Promise<Definition | undefined> {
  let value: unknown;
  try {
    value = (await import(toFileUrl(file.getFilePath()).href)).default;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    report("KERF0007", exported, { message: text.split("\n")[0]! });
    return undefined;
  }
  if (!isDefinition(value)) {
    report("KERF0006", exported);
    return undefined;
  }
  if (KERNEL_NAME.test(value.name)) return value;
  report("KERF0010", exported, { message: `Cannot use "${value.name}" as a kernel's name` });
  return undefined;
}

function isDefinition(value: unknown): value is Definition {
  if (typeof value !== "object" || value === null) return false;
  const { kind, name, hooks } = value as Partial<Definition>;
  return typeof kind === "string" && typeof name === "string" && Array.isArray(hooks);
}
