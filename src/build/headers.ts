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
  /**
   * A folder whose headers come before those of the same name beside the source. Its own includes that it
   * does not hold are sought beside the source.
   */
  readonly instead?: string;
  /** Headers that were read for another source, by path; those that this one reads are added. */
  readonly known?: Map<string, Promise<string>>;
}

/**
 * The source with every `#include "…"` replaced by the header's text (the first time) or by nothing
 * (afterwards), and `#line` marks so that messages still name the files.
 *
 * @throws {KerfError} when a header does not exist
 */
export async function inlineHeaders(text: string, options: HeaderOptions): Promise<string> {
  const path = resolve(options.root, options.file);
  const { root, lineMarks = true, instead, known = new Map() } = options;
  const folders = instead === undefined ? [] : [resolve(root, instead), dirname(path)];
  return await inline(text, path, { root, lineMarks, folders, known });
}

interface InlineOptions {
  readonly root: string;
  readonly lineMarks: boolean;
  /** Where headers are sought, in order; none: beside whoever includes them. */
  readonly folders: readonly string[];
  readonly known: Map<string, Promise<string>>;
}

async function inline(
  text: string,
  path: string,
  options: InlineOptions,
  seen = new Set<string>(),
): Promise<string> {
  const { root, lineMarks, folders, known } = options;
  const shown = relative(root, path);
  const out = lineMarks ? [`#line 1 "${shown}"`] : [];
  for (const [i, line] of text.split("\n").entries()) {
    const name = INCLUDE.exec(line)?.[1];
    if (name === undefined) {
      out.push(PRAGMA_ONCE.test(line) ? "" : line);
      continue;
    }
    const { header, body } = await readHeader(
      (folders.length > 0 ? folders : [dirname(path)]).map((folder) => join(folder, name)),
      { where: `${shown}:${i + 1}`, known },
    );
    if (seen.has(header)) {
      out.push("");
      continue;
    }
    seen.add(header);
    out.push(await inline(body, header, options, seen));
    if (lineMarks) out.push(`#line ${i + 2} "${shown}"`);
  }
  return out.join("\n");
}

/** The first of the paths that is a file, and its text. */
async function readHeader(
  paths: readonly string[],
  { where, known }: { readonly where: string; readonly known: Map<string, Promise<string>> },
): Promise<{ readonly header: string; readonly body: string }> {
  for (const header of paths) {
    const reading = known.get(header) ?? Deno.readTextFile(header);
    known.set(header, reading);
    try {
      return { header, body: await reading };
    } catch (cause) {
      if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    }
  }
  throw new KerfError(`Cannot include "${paths.at(-1)}": there is no such file`, {
    where,
    hint: "deno task gen",
  });
}
