/**
 * The frame of a report: one page that needs nothing else, with its style and at most one script inside it.
 * Holds no look of its own.
 */

import { element, verbatim } from "./html.ts";
import type { Content } from "./html.ts";

/** What a page has beside its body. */
export interface PageFrame {
  readonly title: string;
  /** A style sheet. */
  readonly style: string;
  /** Runs once the body is there. */
  readonly script?: string;
}

/** A whole page as text. */
export function htmlPage({ title, style, script }: PageFrame, ...body: Content[]): string {
  const head = [
    element("meta", { charset: "utf-8" }),
    element("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
    element("title", {}, title),
    element("style", {}, verbatim(style)),
  ];
  const scripts = script === undefined ? [] : [element("script", {}, verbatim(script))];
  const page = element(
    "html",
    { lang: "en" },
    ...[element("head", {}, head), element("body", {}, body, scripts)],
  );
  return `<!DOCTYPE html>\n${page.html}\n`;
}
