/**
 * An author's file beside what each target was given for it, with line numbers. Lines that became kernel
 * lines, and these, are marked and know each other.
 */

import { authorLines } from "../../core/author_lines.ts";
import { TARGETS } from "../../core/manifest.ts";
import type { Target } from "../../core/manifest.ts";
import { element } from "../../core/html.ts";
import type { Html } from "../../core/html.ts";

/** What is shown side by side. */
export interface SourcesInput {
  /** The author's file, project-relative, and its text. */
  readonly file: string;
  readonly text: string;
  /** The generated files' texts and paths, per target. */
  readonly texts: Partial<Record<Target, string>>;
  readonly paths: Partial<Record<Target, string>>;
}

/** Generated lines around the author's that are printed on paper. */
const NEAR = 4;

/** Panes: the author's first. */
export function sourcePanes({ file, text, texts, paths }: SourcesInput): Html {
  const generated = TARGETS.filter((target) => texts[target] !== undefined).map((target) => {
    const lines = linesOf(texts[target]!);
    const own = authorLines(lines).map((at) => at?.file === file ? at.line : undefined);
    return { target, lines, own };
  });
  const used = new Set(generated.flatMap(({ own }) => own));
  const author = linesOf(text);
  const marked = author.map((_, i) => used.has(i + 1) ? i + 1 : undefined);
  return element(
    "div",
    { class: "sources" },
    pane("TypeScript", file, listing(author, marked)),
    generated.map(({ target, lines, own }) => pane(target, paths[target]!, listing(lines, own))),
  );
}

const linesOf = (text: string): string[] => text.trimEnd().split("\n");

const pane = (title: string, path: string, lines: readonly Html[]): Html =>
  element(
    "figure",
    { class: "pane" },
    element("figcaption", { title: path }, element("b", {}, title), element("span", {}, path)),
    element("pre", { tabindex: 0 }, lines),
  );

/** @param own the author's line behind each, where there is one in the author's own file */
function listing(lines: readonly string[], own: readonly (number | undefined)[]): Html[] {
  let inComment = false;
  return lines.map((text, i) => {
    const comment = inComment || /^\s*(\/\*|\/\/|#line)/.test(text);
    if (/^\s*\/\*/.test(text)) inComment = true;
    if (/\*\//.test(text)) inComment = false;
    const line = own[i];
    const near = own.slice(Math.max(0, i - NEAR), i + NEAR + 1).some((at) => at !== undefined);
    const names = ["l", comment && "dim", line !== undefined && "own", near && "near"];
    return element(
      "span",
      { class: names.filter((name) => name !== false).join(" "), "data-from": line },
      element("i", {}, i + 1),
      // An empty line is as high as any other.
      text === "" ? " " : text,
    );
  });
}
