/** HTML and SVG as text, made of elements: everything that is no element is escaped. */

/** An element, or several, as text. */
export interface Html {
  readonly html: string;
}

/** What an element may hold. */
export type Content = Html | string | number | readonly Content[];

/** Attributes; one that is undefined is left out. */
export type Attributes = Readonly<Record<string, string | number | undefined>>;

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text that HTML shows as it is, in elements and in quoted attributes. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (c) => ESCAPES[c]!);

const render = (content: Content): string =>
  typeof content === "string"
    ? escapeHtml(content)
    : typeof content === "number"
    ? String(content)
    : "html" in content
    ? content.html
    : content.map(render).join("");

/** Elements that hold nothing and are not closed. */
const VOID = new Set(["meta"]);

/**
 * One element.
 *
 * @example
 * ```ts
 * import { element } from "./html.ts";
 * const cell = element("td", { class: "n" }, "a < b");
 * if (cell.html !== '<td class="n">a &lt; b</td>') throw new Error(cell.html);
 * ```
 */
export function element(name: string, attributes: Attributes, ...content: Content[]): Html {
  const given = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${escapeHtml(String(value))}"`)
    .join("");
  const end = VOID.has(name) ? "" : `${render(content)}</${name}>`;
  return { html: `<${name}${given}>${end}` };
}

/** Text that is HTML already: a style sheet, a script. */
export const verbatim = (html: string): Html => ({ html });
