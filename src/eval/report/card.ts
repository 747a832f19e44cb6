/** A small chart under its name, many of which stand side by side. */

import { element } from "../../core/html.ts";
import type { Content, Html } from "../../core/html.ts";

/** The figure; its name is one element or several. */
export const card = (name: Content, chart: Html): Html =>
  element("figure", { class: "card" }, element("figcaption", { class: "name" }, name), chart);

/** Figures side by side, as many as the page is wide. */
export const cardGrid = (cards: readonly Html[]): Html => element("div", { class: "small" }, cards);
