/**
 * Diagnostics as text for a terminal: the code, where, a code frame with a caret underline, why and fix.
 * Knows nothing of TypeScript or files: a diagnostic carries its lines.
 */

import type { Diagnostic, SourceLine } from "./diagnostic.ts";

const paint = (color: boolean, codes: string) => (text: string): string =>
  color ? `\x1b[${codes}m${text}\x1b[0m` : text;

/** Spaces up to a column, keeping tabs so that the caret stays under its character. */
const indentTo = (text: string, column: number): string =>
  text.slice(0, column - 1).replace(/[^\t]/g, " ");

function underline({ text }: SourceLine, { span }: Diagnostic): string {
  const end = span.endLine === span.line ? span.endColumn : text.length + 1;
  return indentTo(text, span.column) + "^".repeat(Math.max(1, end - span.column));
}

function renderOne(diagnostic: Diagnostic, color: boolean): string {
  const { code, message, span, why, fix, excerpt } = diagnostic;
  const [red, blue, bold] = [paint(color, "1;31"), paint(color, "1;34"), paint(color, "1")];
  const width = String(span.line).length;
  const gutter = (label: string) => blue(`${label.padStart(width)} |`);
  const lines = [
    `${red(`error ${code}`)}${bold(`: ${message}`)}`,
    `${" ".repeat(width)}${blue("-->")} ${span.file}:${span.line}:${span.column}`,
    gutter(""),
  ];
  for (const source of excerpt) {
    lines.push(`${gutter(String(source.line))} ${source.text}`.trimEnd());
    if (source.line === span.line) {
      lines.push(`${gutter("")} ${red(underline(source, diagnostic))}`);
    }
  }
  lines.push(`${" ".repeat(width)} ${bold("why:")} ${why}`);
  lines.push(`${" ".repeat(width)} ${bold("fix:")} ${fix}`);
  return lines.join("\n");
}

/**
 * All diagnostics as one text, a blank line between them and the count at the end.
 *
 * @example
 * ```ts
 * import { renderDiagnostics } from "./render.ts";
 * const text = renderDiagnostics([{
 *   code: "KERF0206",
 *   message: "loose equality",
 *   span: { file: "kernels/x.ts", line: 1, column: 10, endLine: 1, endColumn: 12 },
 *   why: "== and != convert their operands; no target does",
 *   fix: "write === or !==",
 *   excerpt: [{ line: 1, text: "(a) => a == 1" }],
 * }], { color: false });
 * if (!text.includes("1 | (a) => a == 1\n  |          ^^")) throw new Error(text);
 * ```
 */
export function renderDiagnostics(
  diagnostics: readonly Diagnostic[],
  options: { readonly color: boolean },
): string {
  if (diagnostics.length === 0) return "";
  const n = diagnostics.length;
  const parts = diagnostics.map((d) => renderOne(d, options.color));
  return `${parts.join("\n\n")}\n\n${n} ${n === 1 ? "problem" : "problems"}\n`;
}
