/**
 * A cache's layout drawn: per KV head the two streams, a box per segment, as high as it has rows and as
 * wide as it stores channels. Byte counts come from src/layout/bytes.ts.
 */

import { storedBytes } from "../../layout/bytes.ts";
import type { SegmentSize } from "../../layout/bytes.ts";
import { segmentName } from "../../layout/name.ts";
import type { PictureSizes } from "../../layout/picture.ts";
import type { Layout, Stream } from "../../layout/types.ts";
import { formatBytes } from "../../core/bytes.ts";
import { html } from "./html.ts";
import type { Html } from "./html.ts";

/** Pixels of a whole row of channels, and of all rows together. */
const WIDTH = 150;
const HEIGHT = 150;
/** A segment with few rows is still seen. */
const MIN_HEIGHT = 15;
const LABEL = 190;

/** @param heads the sizes of each KV head, segments in order */
export function layoutFigure(layout: Layout, heads: readonly PictureSizes[]): Html {
  const figures = heads.map((sizes, kvHead) =>
    html`
      <figure
        class="layout"><figcaption>KV head ${kvHead}: ${formatBytes(
          bytesOf(layout, sizes),
        )} of ${formatBytes(denseBytes(layout, sizes))} dense</figcaption>${drawing(
          layout,
          sizes,
        )}</figure>
    `
  );
  return html`<div class="layouts">${figures}</div>`;
}

const bytesOf = (layout: Layout, { key, value, headDim }: PictureSizes): number =>
  storedBytes(layout.key, key, headDim) + storedBytes(layout.value, value, headDim);

/** The same rows with every channel, in the last segments' codes. */
function denseBytes({ key, value }: Layout, sizes: PictureSizes): number {
  const whole = (stream: Stream, of: readonly SegmentSize[]) => {
    const rows = of.reduce((sum, size) => sum + size.rows, 0);
    const last = { segments: [stream.segments.at(-1)!] };
    return storedBytes(last, [{ rows, width: sizes.headDim }], sizes.headDim);
  };
  return whole(key, sizes.key) + whole(value, sizes.value);
}

function drawing(layout: Layout, { headDim, key, value }: PictureSizes): Html {
  const step = WIDTH + LABEL;
  const streams = [
    { title: "keys", stream: layout.key, sizes: key },
    { title: "values", stream: layout.value, sizes: value },
  ].map(({ title, stream, sizes }, i) => {
    const total = sizes.reduce((sum, { rows }) => sum + rows, 0);
    let y = 16;
    const boxes = stream.segments.map((segment, s) => {
      const { rows, width } = sizes[s]!;
      const height = Math.max(MIN_HEIGHT, HEIGHT * rows / Math.max(1, total));
      const stored = WIDTH * width / headDim;
      const top = y;
      y += height + 3;
      const label = top + Math.min(height / 2, 22);
      return html`
        <rect class="dropped" x="0" y="${top}" width="${WIDTH}" height="${height}" />
        <rect class="stored s${s}" x="0" y="${top}" width="${stored.toFixed(
          1,
        )}" height="${height}" />
        <text x="${WIDTH + 8}" y="${label}">
          <tspan class="name">${segmentName(segment)}</tspan>
          <tspan x="${WIDTH + 8}" dy="13">${rows} rows × ${width} channels</tspan>
        </text>
      `;
    });
    return {
      y,
      html: html`<g transform="translate(${
        i * step
      } 0)"><text class="title" y="10">${title}</text>${boxes}</g>`,
    };
  });
  const height = Math.max(...streams.map(({ y }) => y)) + 14;
  return html`
    <svg viewBox="0 0 ${2 * step} ${height.toFixed(0)}" width="${2 * step}" height="${height
      .toFixed(0)}" role="img"
      aria-label="segments of a KV head">${streams.map((s) => s.html)}</svg>
  `;
}
