/** Kept channels as a picture: a line a layer and KV head, a column a channel, fainter the fewer its bits. */

import { element } from "../../core/html.ts";
import type { Html } from "../../core/html.ts";
import type { MaskLayer } from "../../engine/mask.ts";

/** A square of a channel, in pixels, and the gap between layers. */
const [SIDE, GAP, LEFT] = [3, 2, 24];

/** Layers between two that are named. */
const NAMED = 5;

/** The channels that a head keeps; null: all. */
type ChannelsOf = (head: MaskLayer["heads"][number]) => readonly number[] | null;

/** Whether there is anything to see. */
export const hasLists = (layers: readonly MaskLayer[], channelsOf: ChannelsOf): boolean =>
  layers.some(({ heads }) => heads.some((head) => channelsOf(head) !== null));

/**
 * @param what "key" or "value"
 * @param headDim channels of a head
 */
export function channelMap(
  layers: readonly MaskLayer[],
  channelsOf: ChannelsOf,
  { what, headDim }: { readonly what: string; readonly headDim: number },
): Html {
  const paths = new Map<number, string>();
  const nHeads = layers[0]!.heads.length;
  const layerHeight = nHeads * SIDE + GAP;
  for (const [layer, { heads }] of layers.entries()) {
    for (const [i, head] of heads.entries()) {
      const y = layer * layerHeight + i * SIDE;
      const channels = channelsOf(head) ?? Array.from({ length: headDim }, (_, c) => c);
      const bits = what === "key" ? head.keptChannelBits : undefined;
      // Neighbours of the same bits are one rectangle: thousands of squares make a heavy page.
      for (let n = 0, end = 0; n < channels.length; n = end) {
        const next = () => channels[end] === channels[end - 1]! + 1 && bits?.[end] === bits?.[n];
        for (end = n + 1; next();) end++;
        const [x, width] = [LEFT + channels[n]! * SIDE, (end - n) * SIDE];
        const own = bits?.[n] ?? Infinity;
        paths.set(own, `${paths.get(own) ?? ""}M${x} ${y}h${width}v${SIDE}h-${width}z`);
      }
    }
  }
  const [width, height] = [LEFT + headDim * SIDE, layers.length * layerHeight];
  const most = Math.max(...[...paths.keys()].filter(Number.isFinite));
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
      { viewBox: `0 0 ${width} ${height + 16}`, width, height: height + 16, "font-size": 11 },
      element("rect", { x: LEFT, width: headDim * SIDE, height, fill: "var(--head)" }),
      [...paths].map(([bits, d]) =>
        element("path", { d, fill: "var(--mark)", opacity: bits < most ? 0.5 : undefined })
      ),
      named.map((layer) =>
        element("text", {
          ...{ x: LEFT - 5, y: layer * layerHeight + 9, "text-anchor": "end", fill: "var(--dim)" },
        }, layer)
      ),
      element("text", { x: LEFT, y: height + 13, fill: "var(--dim)" }, `${what} channel 0`),
      element("text", {
        ...{ x: width, y: height + 13, "text-anchor": "end", fill: "var(--dim)" },
      }, headDim - 1),
    ),
  );
}
