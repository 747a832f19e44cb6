/**
 * Lines of hook code and the marks that say which line of the author's file each came from. Templates
 * carry the marks along; `format` turns them into a target's directives.
 */

import type { Span } from "../ir/types.ts";

/** One statement and where the author wrote it. */
export interface CodeLine {
  readonly text: string;
  readonly span: Span;
}

/** Starts a mark; no template and no target's language has this. */
export const MARK = "//@";

/** The lines as one text for a template: each under its mark, the last mark ending the author's part. */
export function markedText(lines: readonly CodeLine[]): string {
  if (lines.length === 0) return "";
  return [
    ...lines.map((line) => `${MARK}${line.span.line} ${line.span.file}\n${line.text}`),
    MARK,
  ].join("\n");
}
