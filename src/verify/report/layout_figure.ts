/**
 * A cache's layout drawn: per KV head the two streams, a box per segment, as high as it has rows and as
 * wide as it stores channels. Byte counts come from src/layout/bytes.ts.
 */

import { formatBytes } from "../../core/bytes.ts";
import { storedBytes } from "../../layout/bytes.ts";
import type { SegmentSize } from "../../layout/bytes.ts";
import { segmentName } from "../../layout/name.ts";
import type { PictureSizes } from "../../layout/picture.ts";
import type { Layout, Stream } from "../../layout/types.ts";
import { element } from "../../core/html.ts";
import type { Html } from "../../core/html.ts";

/** Of a whole row of channels, and of all rows together. */
const WIDTH = 140;
const HEIGHT = 150;
/** A segment with few rows is still seen, and its label fits. */
const MIN_HEIGHT = 28;
const LABEL_WIDTH = 165;
const GAP = 3;

/** @param heads the sizes of each KV head, segments in order */
export function layoutFigure(layout: Layout, heads: readonly PictureSizes[]): Html {
  return element(
    "div",
    { class: "layouts" },
    heads.map((sizes, kvHead) =>
      element(
        "figure",
        { class: "layout" },
        element("figcaption", {}, caption(layout, sizes, kvHead)),
        drawing(layout, sizes),
      )
    ),
  );
}

function caption(layout: Layout, { key, value, headDim }: PictureSizes, kvHead: number): string {
  const bytes = storedBytes(layout.key, key, headDim) + storedBytes(layout.value, value, headDim);
  const dense = denseBytes(layout.key, key, headDim) + denseBytes(layout.value, value, headDim);
  const share = (100 * bytes / dense).toFixed(0);
  return `KV head ${kvHead}: ${formatBytes(bytes)}` +
    (bytes === dense ? "" : `, ${share} % of ${formatBytes(dense)} dense`);
}

/** The same rows with every channel, in the last segment's code. */
function denseBytes(stream: Stream, sizes: readonly SegmentSize[], headDim: number): number {
  const rows = sizes.reduce((sum, size) => sum + size.rows, 0);
  return storedBytes(
    { segments: [stream.segments.at(-1)!] },
    [{ rows, width: headDim }],
    headDim,
  );
}

function drawing(layout: Layout, { headDim, key, value }: PictureSizes): Html {
  const streams = [
    drawnStream("keys", { stream: layout.key, sizes: key, headDim }),
    drawnStream("values", { stream: layout.value, sizes: value, headDim }),
  ];
  const step = WIDTH + LABEL_WIDTH;
  const height = Math.ceil(Math.max(...streams.map((stream) => stream.height)));
  return element(
    "svg",
    {
      ...{ viewBox: `0 0 ${2 * step} ${height}`, width: 2 * step, height },
      ...{ role: "img", "aria-label": "segments of a KV head" },
    },
    streams.map(({ drawn }, i) => element("g", { transform: `translate(${i * step} 0)` }, drawn)),
  );
}

function drawnStream(
  title: string,
  { stream, sizes, headDim }: {
    readonly stream: Stream;
    readonly sizes: readonly SegmentSize[];
    readonly headDim: number;
  },
): { readonly height: number; readonly drawn: Html[] } {
  const total = sizes.reduce((sum, { rows }) => sum + rows, 0);
  const drawn = [element("text", { class: "title", y: 11 }, title)];
  let y = 18;
  stream.segments.forEach((segment, i) => {
    const { rows, width } = sizes[i]!;
    const height = Math.round(Math.max(MIN_HEIGHT, HEIGHT * rows / total));
    const box = { y, height, x: 0 };
    const [x, name] = [WIDTH + 8, segmentName(segment)];
    drawn.push(
      element("rect", { class: "dropped", ...box, width: WIDTH }),
      element("rect", { class: `stored s${i}`, ...box, width: WIDTH * width / headDim }),
      element("text", { class: "name", x, y: y + 11 }, name),
      element("text", { x, y: y + 24 }, `${rows} rows × ${width} channels`),
    );
    y += height + GAP;
  });
  return { height: y, drawn };
}
