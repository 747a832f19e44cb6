/** What specs keep of one prompt: channels as maps, tokens over its text. Specs that keep all have none. */

import { element } from "../../core/html.ts";
import type { Html } from "../../core/html.ts";
import type { KeptMaps } from "../kept.ts";
import { channelMap, lacksChannels } from "./channel_map.ts";
import { specCard } from "./numbered.ts";
import type { SpecNumbers } from "./numbered.ts";
import { keptShares, tokenMap, tokenSteps } from "./token_map.ts";

const section = (
  title: string,
  notes: readonly (string | Html)[],
  className: string,
  cards: Html[],
) =>
  cards.length === 0 ? [] : [
    element("h2", {}, title),
    element("p", { class: "note" }, ...notes),
    element("div", { class: className }, cards),
  ];

/** Channels, then tokens; either only where a spec drops some. */
export function keptSections(
  { passage, tokens, headDim, specs }: KeptMaps,
  numbers: SpecNumbers,
): Html[] {
  const channels = specs.flatMap(({ spec, layers }) =>
    (["key", "value"] as const).filter((what) => lacksChannels(layers, what))
      .map((what) => specCard(spec, numbers, channelMap(layers, { what, headDim })))
  );
  const texts = specs.flatMap(({ spec, layers }) => {
    const shares = keptShares(layers, tokens.length);
    return shares === null ? [] : [specCard(spec, numbers, tokenMap(tokens, shares))];
  });
  return [
    ...section(
      "Kept channels: layer × head × channel",
      [
        `After ${passage}: a line a KV head, layers from the top; channels in half-split RoPE order. Blue is ` +
        "kept, and the fainter, the fewer bits of the most a channel is coded in or, where keys have " +
        "channels of their own, the fewer keys have it.",
      ],
      "small",
      channels,
    ),
    ...section(
      "Kept tokens",
      [`Of ${passage}: the more heads keep a token, the fuller its ground:`, tokenSteps()],
      "columns",
      texts,
    ),
  ];
}
