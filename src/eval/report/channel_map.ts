/**
 * Kept channels as a picture: a line a layer and KV head, a column a channel, fainter the less of it is kept:
 * fewer bits, or where keys keep channels of their own, fewer keys.
 */

import { element } from "../../core/html.ts";
import type { Html } from "../../core/html.ts";
import type { MaskLayer } from "../../engine/mask.ts";

/** A square of a channel, in pixels, the gap between layers, and what the layers' numbers need. */
const [SIDE, GAP, LEFT] = [3, 2, 36];

/** Layers between two that are named. */
const NAMED = 5;

/** Shades of what is kept in part. */
const SHADES = 4;

/** Height of a line of text below the map. */
const LINE = 16;

type Stream = "key" | "value";

/** How much of each channel a head keeps, 0 to 1; null: all of them whole. */
function keptShares(
  head: MaskLayer["heads"][number],
  { what, headDim, mostBits }: {
    readonly what: Stream;
    readonly headDim: number;
    readonly mostBits: number;
  },
): readonly number[] | null {
  if (what === "key" && head.keptChannelShares) return head.keptChannelShares;
  const channels = what === "key" ? head.keptChannels : head.keptValueChannels;
  if (channels === null) return null;
  const bits = what === "key" ? head.keptChannelBits : undefined;
  const shares = new Array<number>(headDim).fill(0);
  channels.forEach((c, i) => shares[c] = bits ? bits[i]! / mostBits : 1);
  return shares;
}

/** Whether a stream of some head lacks channels. */
export const lacksChannels = (layers: readonly MaskLayer[], what: Stream): boolean =>
  layers.some(({ heads }) =>
    heads.some((head) => keptShares(head, { what, headDim: 0, mostBits: 1 }) !== null)
  );

/** @param headDim channels of a head */
export function channelMap(
  layers: readonly MaskLayer[],
  { what, headDim }: { readonly what: Stream; readonly headDim: number },
): Html {
  const all = layers.flatMap(({ heads }) => heads);
  const mostBits = Math.max(...all.flatMap(({ keptChannelBits }) => keptChannelBits ?? []));
  const paths = new Map<number, string>();
  const nHeads = layers[0]!.heads.length;
  const layerHeight = nHeads * SIDE + GAP;
  for (const [layer, { heads }] of layers.entries()) {
    for (const [i, head] of heads.entries()) {
      const y = layer * layerHeight + i * SIDE;
      const shades = (keptShares(head, { what, headDim, mostBits }) ??
        new Array<number>(headDim).fill(1)).map((share) => Math.ceil(share * SHADES));
      // Neighbours of one shade are one rectangle: thousands of squares make a heavy page.
      for (let n = 0, end = 0; n < headDim; n = end) {
        const shade = shades[n]!;
        for (end = n + 1; shades[end] === shade;) end++;
        const [x, width] = [LEFT + n * SIDE, (end - n) * SIDE];
        const d = `M${x} ${y}h${width}v${SIDE}h-${width}z`;
        if (shade > 0) paths.set(shade, `${paths.get(shade) ?? ""}${d}`);
      }
    }
  }
  const [width, height] = [LEFT + headDim * SIDE, layers.length * layerHeight];
  const whole = height + LINE * ([...paths.keys()].some((shade) => shade < SHADES) ? 2 : 1);
  const named = layers.map((_, layer) => layer).filter((layer) => layer % NAMED === 0);
  return element(
    "div",
    {
      class: "chart",
      role: "img",
      "aria-label": `kept ${what} channels by layer, head and channel`,
    },
    element(
      "svg",
      { viewBox: `0 0 ${width} ${whole}`, width, height: whole, "font-size": 11 },
      element("rect", { x: LEFT, width: headDim * SIDE, height, fill: "var(--head)" }),
      [...paths].map(([shade, d]) =>
        element("path", { ...{ d, fill: "var(--mark)" }, opacity: opacityOf(shade) })
      ),
      element("text", {
        ...{ transform: `translate(10 ${height / 2}) rotate(-90)`, "text-anchor": "middle" },
        fill: "var(--dim)",
      }, "layer"),
      named.map((layer) =>
        element("text", {
          ...{ x: LEFT - 5, y: layer * layerHeight + 9, "text-anchor": "end", fill: "var(--dim)" },
        }, layer)
      ),
      element("text", { x: LEFT, y: height + 13, fill: "var(--dim)" }, `${what} channel 0`),
      element("text", {
        ...{ x: width, y: height + 13, "text-anchor": "end", fill: "var(--dim)" },
      }, headDim - 1),
      whole > height + LINE ? shadeLegend(height + LINE) : [],
    ),
  );
}

/** Of a shade; undefined: it is full. */
const opacityOf = (shade: number) => shade < SHADES ? shade / SHADES : undefined;

/** What shades stand for: at most so much of what is most. @param top in pixels */
const shadeLegend = (top: number): Html[] =>
  Array.from({ length: SHADES }, (_, i) => i + 1).flatMap((shade) => {
    const x = LEFT + (shade - 1) * 46;
    return [
      element("rect", {
        ...{ x, y: top + 3, width: 10, height: 10, fill: "var(--mark)" },
        opacity: opacityOf(shade),
      }),
      element("text", { x: x + 13, y: top + 13, fill: "var(--dim)" }, `${100 * shade / SHADES} %`),
    ];
  });
