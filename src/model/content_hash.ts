/**
 * The hash of a large file's contents, remembered as long as the file is the same one: of the same size,
 * with the same times, at the same place of the disk. A file that was written within the seconds before it
 * was hashed is hashed again the next time, since a clock may not have moved between two writes.
 */

import { dirname } from "@std/path";
import { sha256OfFile } from "./file_hash.ts";

/** What tells two states of one path apart without reading the file. */
interface Stamp {
  readonly path: string;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly dev: number;
  readonly ino: number;
}

interface Remembered {
  readonly stamp: Stamp;
  readonly hashedAtMs: number;
  readonly sha256: string;
}

/** Far above any clock's step, far below the time between two starts that matter. */
const SETTLED_MS = 2000;

async function stampOf(path: string): Promise<Stamp> {
  const { size, mtime, ctime, dev, ino } = await Deno.stat(path);
  const [mtimeMs, ctimeMs] = [mtime, ctime].map((time) => time?.getTime() ?? NaN) as [
    number,
    number,
  ];
  return { path, size, mtimeMs, ctimeMs, dev, ino: ino ?? NaN };
}

/** NaN, a time that the system does not say, is never the same. */
function isSame(a: Stamp, b: Stamp): boolean {
  return (Object.keys(b) as (keyof Stamp)[]).every((key) => a[key] === b[key]);
}

async function recall(note: string): Promise<Remembered | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(note));
  } catch (error) {
    // Not there, or half of one: a note is written in place, and whoever cannot read it hashes.
    if (error instanceof Deno.errors.NotFound || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * The SHA-256 of the file at `path`, in hexadecimal.
 *
 * @param note the file in which it is remembered; its folder is made
 */
export async function contentHash(path: string, note: string): Promise<string> {
  const stamp = await stampOf(path);
  const known = await recall(note);
  if (known && isSame(known.stamp, stamp)) {
    const changedMs = Math.max(stamp.mtimeMs, stamp.ctimeMs);
    if (known.hashedAtMs - changedMs > SETTLED_MS) return known.sha256;
  }
  const hashedAtMs = Date.now();
  const sha256 = await sha256OfFile(path);
  await Deno.mkdir(dirname(note), { recursive: true });
  await Deno.writeTextFile(
    note,
    JSON.stringify({ stamp, hashedAtMs, sha256 } satisfies Remembered),
  );
  return sha256;
}
