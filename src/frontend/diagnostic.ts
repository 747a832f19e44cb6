/**
 * A diagnostic: one problem in an author's file, as data. Collects them in the order of the file; prints
 * nothing (render.ts does).
 */

import type { Node, SourceFile } from "ts-morph";
import type { Span } from "../ir/types.ts";
import { type Code, CODES } from "./codes/mod.ts";

/** One problem. */
export interface Diagnostic {
  readonly code: Code;
  /** What is wrong here, one line. */
  readonly message: string;
  readonly span: Span;
  /** Why it is refused, one line. */
  readonly why: string;
  /** What to write instead, one line. */
  readonly fix: string;
  /** The source lines around the span's start, the last one being the marked line. */
  readonly excerpt: readonly SourceLine[];
}

/** One line of an author's file; `line` counts from 1. */
export interface SourceLine {
  readonly line: number;
  readonly text: string;
}

/** What a report may say more sharply than its code's defaults. */
export interface Detail {
  readonly message?: string;
  readonly why?: string;
  readonly fix?: string;
}

/** Reports a problem at a node. */
export type Report = (code: Code, at: Node, detail?: Detail) => void;

/** Turns positions of source files into spans with paths from the project's root. */
export type SpanOf = (file: SourceFile, start: number, end: number) => Span;

/** @param root the project's root, absolute, without a trailing slash */
export function spansFrom(root: string): SpanOf {
  return (file, start, end) => {
    const path = file.getFilePath() as string;
    const ts = file.compilerNode;
    const from = ts.getLineAndCharacterOfPosition(start);
    const to = ts.getLineAndCharacterOfPosition(end);
    return Object.freeze({
      file: path.startsWith(`${root}/`) ? path.slice(root.length + 1) : path,
      line: from.line + 1,
      column: from.character + 1,
      endLine: to.line + 1,
      endColumn: to.character + 1,
    });
  };
}

/** Makes the diagnostic of a code at a span of a file. */
export function diagnose(
  code: Code,
  span: Span,
  file: SourceFile,
  detail: Detail = {},
): Diagnostic {
  const spec = CODES[code];
  const lines = file.getFullText().split(/\r?\n/);
  const excerpt = [span.line - 1, span.line]
    .filter((line) => line >= 1 && line <= lines.length)
    .map((line) => Object.freeze({ line, text: lines[line - 1]! }));
  return Object.freeze({
    code,
    message: detail.message ?? spec.title,
    span,
    why: detail.why ?? spec.why,
    fix: detail.fix ?? spec.fix,
    excerpt: Object.freeze(excerpt),
  });
}

/** Whether two spans share a character. */
export function overlap(a: Span, b: Span): boolean {
  const starts = (x: Span, y: Span) =>
    x.line < y.endLine || (x.line === y.endLine && x.column < y.endColumn);
  return a.file === b.file && starts(a, b) && starts(b, a);
}

/** By file, line and column, the same one once: the order in which diagnostics are shown. */
export function inOrder(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const key = ({ code, span }: Diagnostic) => `${span.file}:${span.line}:${span.column} ${code}`;
  const byKey = new Map(diagnostics.toReversed().map((d) => [key(d), d]));
  return [...byKey.values()].toSorted(({ span: a, code: x }, { span: b, code: y }) => {
    if (a.file !== b.file) return a.file < b.file ? -1 : 1;
    return a.line - b.line || a.column - b.column || (x < y ? -1 : 1);
  });
}
