/**
 * An author's file beside what each target was given for it, with line numbers. Lines that became kernel
 * lines, and these, are marked and know each other.
 */

import { TARGETS } from "../../core/manifest.ts";
import type { Target } from "../../core/manifest.ts";
import { authorLines } from "./author_lines.ts";
import { html } from "./html.ts";
import type { Html } from "./html.ts";

/** What is shown side by side. */
export interface SourcesInput {
  /** The author's file, project-relative, and its text. */
  readonly file: string;
  readonly text: string;
  readonly kernel: string;
  readonly texts: Partial<Record<Target, string>>;
}

/** Generated lines around the author's that are printed on paper. */
const NEAR = 4;

/** Panes: the author's first. */
export function sourcePanes({ file, text, kernel, texts }: SourcesInput): Html {
  const targets = TARGETS.filter((target) => texts[target] !== undefined);
  const generated = targets.map((target) => {
    const lines = linesOf(texts[target]!);
    return { target, lines, from: authorLines(lines) };
  });
  const used = new Set(
    generated.flatMap(({ from }) => from.flatMap((at) => at?.file === file ? [at.line] : [])),
  );
  const author = linesOf(text);
  const panes = generated.map(({ target, lines, from }) => {
    const own = from.map((at) => at?.file === file ? at.line : undefined);
    return pane(target, `generated/${target}/${kernel}`, listing(lines, own));
  });
  return html`<div class="sources">${
    pane(
      "TypeScript",
      file,
      listing(author, author.map((_, i) => used.has(i + 1) ? i + 1 : undefined)),
    )
  }${panes}</div>`;
}

const linesOf = (text: string): string[] => text.trimEnd().split("\n");

const pane = (title: string, path: string, lines: readonly Html[]): Html =>
  html`
    <figure class="pane">
      <figcaption><b>${title}</b> <span>${path}</span></figcaption>
      <pre tabindex="0">${lines}</pre>
    </figure>
  `;

/** @param own the author's line behind each, where there is one in the author's own file */
function listing(lines: readonly string[], own: readonly (number | undefined)[]): Html[] {
  let inComment = false;
  return lines.map((text, i) => {
    const comment = inComment || /^\s*(\/\*|\/\/|#line)/.test(text);
    if (/^\s*\/\*/.test(text)) inComment = true;
    if (/\*\//.test(text)) inComment = false;
    const line = own[i];
    const near = own.slice(Math.max(0, i - NEAR), i + NEAR + 1).some((at) => at !== undefined);
    const names = [
      ...["l", comment ? "dim" : "", line === undefined ? "" : "own", near ? "near" : ""],
    ].filter((name) => name !== "").join(" ");
    const at = line === undefined ? html`` : html`
      data-from="${line}"
    `;
    return html`
      <span class="${names}" ${at}><i>${i + 1}</i>${text}\\n</span>
    `;
  });
}
