/**
 * Results as lines of JSON: one per spec and case, appended as soon as it is measured, so that what stops a
 * run costs one case. A line holds all that its numbers depend on; a later run takes those that agree and
 * measures the rest.
 */

import { KerfError } from "../core/error.ts";
import type { CaseLabels, Measurement } from "./case.ts";

/** What a run's numbers depend on beside spec and case; equal for all of its results. */
export interface RunIdentity {
  /** File name of the model, and SHA-256 of the file. */
  readonly model: string;
  readonly modelSha256: string;
  readonly commit: string;
  /** Device and system. */
  readonly machine: string;
  readonly attention: string;
  readonly activations: string;
  readonly ctk: string;
  readonly ctv: string;
}

/** What one spec gave in one case. */
export interface EvalResult {
  readonly spec: string;
  readonly protocol: string;
  readonly passage: string;
  readonly labels?: CaseLabels;
  /** SHA-256 of the case's settings and tokens. */
  readonly caseSha256: string;
  readonly values: readonly Measurement[];
  /** Numbers along positions, by metric. */
  readonly series?: Readonly<Record<string, readonly number[]>>;
  readonly storedBytes: number;
  readonly denseBytes: number;
  readonly decodeTokensPerSecond: number | null;
  /** What it took, in milliseconds. */
  readonly prefillMs: number;
  readonly compressMs: number;
  readonly measureMs: number;
}

/** A line of a results file. */
export interface ResultLine extends RunIdentity, EvalResult {
  /** When it was measured, ISO 8601. */
  readonly time: string;
}

/** A result's place: the same spec in the same case. */
export const resultKey = (
  { spec, protocol, passage, caseSha256 }: Pick<
    EvalResult,
    "spec" | "protocol" | "passage" | "caseSha256"
  >,
): string => JSON.stringify([spec, protocol, passage, caseSha256]);

const OTHER_FILE = { hint: "name another file: --results FILE.jsonl", exitCode: 2 } as const;

/**
 * Results of a file that have a run's identity, by key; of equal keys the last. A file that is not there has none.
 *
 * @throws {KerfError} exit code 2: it holds something else, or is a folder
 */
export async function readResults(
  path: string,
  identity: RunIdentity,
): Promise<Map<string, ResultLine>> {
  let text = "";
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.IsADirectory) {
      throw new KerfError(`Cannot read results from "${path}": it is a folder`, OTHER_FILE);
    }
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const found = new Map<string, ResultLine>();
  const lines = text.split("\n");
  // Whatever stopped a run may have cut its last line.
  const whole = lines.slice(0, -1);
  for (const [i, line] of whole.entries()) {
    if (line.trim() === "") continue;
    const result = parseLine(line, `${path}:${i + 1}`);
    if (result === null) continue;
    const isSame = Object.entries(identity)
      .every(([name, value]) => result[name as keyof RunIdentity] === value);
    if (isSame) found.set(resultKey(result), result);
  }
  return found;
}

/** A line; null: it was cut and another begun behind it. @throws {KerfError} it is no result */
function parseLine(line: string, where: string): ResultLine | null {
  let value: ResultLine;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (Array.isArray(value?.values) && typeof value.spec === "string") return value;
  throw new KerfError("Cannot read a line as a result of eval", { where, ...OTHER_FILE });
}

/** Appends a result; a cut line before it is ended first. */
export async function appendResult(path: string, line: ResultLine): Promise<void> {
  using file = await Deno.open(path, { create: true, read: true, append: true });
  const { size } = await file.stat();
  const last = new Uint8Array(1);
  if (size > 0) {
    await file.seek(size - 1, Deno.SeekMode.Start);
    await file.read(last);
  }
  const cut = size > 0 && last[0] !== 10 ? "\n" : "";
  const bytes = new TextEncoder().encode(`${cut}${JSON.stringify(line)}\n`);
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}
