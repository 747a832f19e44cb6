/**
 * Which rows of a prompt stay, per KV head: a strip of squares in order of position, and what each stands
 * for. Rows that were evicted before leave gaps.
 */

import type { HeadPicture } from "../compare.ts";
import type { RowChoicePicture } from "../result.ts";
import { element } from "../../core/html.ts";
import type { Html } from "../../core/html.ts";

/** Positions of one line, and the side of a square. */
const LINE = 64;
const SIDE = 8;
/** Between lines. */
const GAP = 3;
const LEFT = 30;

type Fate = HeadPicture[number]["is"];
const FATES: readonly Fate[] = ["kept", "protected", "evicted"];

/** A strip per KV head. */
export function rowFigure({ case: name, heads }: RowChoicePicture): Html[] {
  return [
    element(
      "div",
      { class: "layouts" },
      heads.map((rows, kvHead) => strip(rows, kvHead)),
    ),
    legend(),
    element("p", { class: "case" }, name),
  ];
}

function strip(rows: HeadPicture, kvHead: number): Html {
  const n = (rows.at(-1)?.position ?? 0) + 1;
  const lines = Math.ceil(n / LINE);
  const [width, height] = [LEFT + Math.min(n, LINE) * SIDE, lines * (SIDE + GAP)];
  const stay = rows.filter(({ is }) => is !== "evicted").length;
  const squares = Object.fromEntries(FATES.map((fate) => [fate, ""])) as Record<Fate, string>;
  for (const { position, is } of rows) {
    const x = LEFT + position % LINE * SIDE;
    squares[is] += `M${x} ${Math.floor(position / LINE) * (SIDE + GAP)}h${SIDE - 1}v${SIDE}h${
      1 - SIDE
    }z`;
  }
  return element(
    "figure",
    { class: "layout" },
    element("figcaption", {}, `KV head ${kvHead}: ${stay} of ${rows.length} rows stay`),
    element(
      "svg",
      {
        ...{ viewBox: `0 0 ${width} ${height}`, width, height },
        ...{ role: "img", "aria-label": `rows that stay in KV head ${kvHead}` },
      },
      FATES.map((fate) =>
        squares[fate] === "" ? [] : element("path", { class: `row ${fate}`, d: squares[fate] })
      ),
      Array.from({ length: lines }, (_, line) =>
        element(
          "text",
          { x: LEFT - 5, y: line * (SIDE + GAP) + SIDE, "text-anchor": "end" },
          line * LINE,
        )),
    ),
  );
}

function legend(): Html {
  const step = 90;
  return element(
    "svg",
    {
      ...{ class: "legend", viewBox: `0 0 ${step * FATES.length} 14`, width: step * FATES.length },
      ...{ height: 14, role: "img", "aria-label": "what the squares stand for" },
    },
    FATES.map((fate, i) => [
      element("path", { class: `row ${fate}`, d: `M${i * step} 2h${SIDE}v${SIDE}h${-SIDE}z` }),
      element("text", { x: i * step + 13, y: 10 }, fate),
    ]),
  );
}
