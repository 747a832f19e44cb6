/** Numbers of a page as Markdown, folded away until a reader wants to copy them. */

import { element } from "../../core/html.ts";
import type { Html } from "../../core/html.ts";

/**
 * A table as Markdown.
 *
 * @param table `what`: what is to be copied; `words`: how many columns, the first ones, hold words
 */
export function markdownDetails(
  { what, heads, rows, words }: {
    readonly what: string;
    readonly heads: readonly string[];
    readonly rows: readonly (readonly (string | number)[])[];
    readonly words: number;
  },
): Html {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
  const rule = heads.map((_, i) => i < words ? "---" : "---:");
  return element(
    "details",
    {},
    element("summary", {}, `${what} as Markdown, to copy`),
    element("pre", {}, [heads, rule, ...rows].map(line).join("\n")),
  );
}
