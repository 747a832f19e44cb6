/** HTML as text: what comes from elsewhere is escaped, what is marked as HTML is not. */

/** A piece of a page. */
export interface Html {
  readonly html: string;
}

type Content = Html | string | number | readonly Content[];

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text that HTML shows as it is, in elements and in quoted attributes. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (c) => ESCAPES[c]!);

function render(content: Content): string {
  if (typeof content === "string") return escapeHtml(content);
  if (typeof content === "number") return String(content);
  return "html" in content ? content.html : content.map(render).join("");
}

/**
 * A template of HTML: values are escaped unless they are HTML themselves, lists are joined.
 *
 * @example
 * ```ts
 * import { html } from "./html.ts";
 * const cell = html`<td>${"a < b"}</td>`;
 * if (html`<tr>${[cell, cell]}</tr>`.html.split("a &lt; b").length !== 3) throw new Error("wrong");
 * ```
 */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Html {
  return { html: parts.map((part, i) => (i === 0 ? "" : render(values[i - 1]!)) + part).join("") };
}
