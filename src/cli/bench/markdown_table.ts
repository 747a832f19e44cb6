/** Rows of text as a Markdown table that lines up in a terminal too. */

/**
 * @param left how many columns, the first ones, hold words; the others hold numbers and end together
 *
 * @example
 * ```ts
 * import { markdownTable } from "./markdown_table.ts";
 * const text = markdownTable(["what", "ms"], [["all", "12.5"]], 1);
 * if (text !== "| what |   ms |\n| ---- | ---: |\n| all  | 12.5 |\n") throw new Error(text);
 * ```
 */
export function markdownTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  left: number,
): string {
  const widths = header.map((h, c) => Math.max(h.length, ...rows.map((row) => row[c]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${
      cells.map((cell, c) => c < left ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!))
        .join(" | ")
    } |`;
  const rule = widths.map((n, c) => c < left ? "-".repeat(n) : "-".repeat(n - 1) + ":");
  return [line(header), `| ${rule.join(" | ")} |`, ...rows.map(line)].join("\n") + "\n";
}
