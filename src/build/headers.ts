/**
 * Puts the project's own headers into a C source, so that what is compiled and hashed is one text. System
 * headers (`<…>`) stay includes: they belong to the compiler, whose version is hashed.
 */

import { dirname, join, relative, resolve } from "@std/path";
import { KerfError } from "../core/error.ts";

const INCLUDE = /^[ \t]*#[ \t]*include[ \t]*"([^"\n]+)".*$/;
const PRAGMA_ONCE = /^[ \t]*#[ \t]*pragma[ \t]+once[ \t]*$/;

/** Where a source's headers and its lines are. */
export interface HeaderOptions {
  /** The path compilers show and headers are sought beside: absolute, or below `root`. */
  readonly file: string;
  /** The project's root; shown paths are relative to it. */
  readonly root: string;
  /** Whether `#line` marks are written; default true. A language without them takes none. */
  readonly lineMarks?: boolean;
}

/**
 * The source with every `#include "…"` replaced by the header's text (the first time) or by nothing
 * (afterwards), and `#line` marks so that messages still name the files.
 *
 * @throws {KerfError} when a header does not exist
 */
export async function inlineHeaders(text: string, options: HeaderOptions): Promise<string> {
  const path = resolve(options.root, options.file);
  const { root, lineMarks = true } = options;
  return await inline(text, path, { root, lineMarks });
}

async function inline(
  text: string,
  path: string,
  options: { readonly root: string; readonly lineMarks: boolean },
  seen = new Set<string>(),
): Promise<string> {
  const { root, lineMarks } = options;
  const shown = relative(root, path);
  const out = lineMarks ? [`#line 1 "${shown}"`] : [];
  for (const [i, line] of text.split("\n").entries()) {
    const name = INCLUDE.exec(line)?.[1];
    if (name === undefined) {
      out.push(PRAGMA_ONCE.test(line) ? "" : line);
      continue;
    }
    const header = join(dirname(path), name);
    if (seen.has(header)) {
      out.push("");
      continue;
    }
    seen.add(header);
    out.push(await inline(await readHeader(header, `${shown}:${i + 1}`), header, options, seen));
    if (lineMarks) out.push(`#line ${i + 2} "${shown}"`);
  }
  return out.join("\n");
}

async function readHeader(path: string, where: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new KerfError(`Cannot include "${path}": there is no such file`, {
      where,
      hint: "deno task gen",
      cause,
    });
  }
}
