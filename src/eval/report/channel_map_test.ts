import { assert, assertEquals } from "@std/assert";
import type { MaskHead } from "../../engine/mask.ts";
import { channelMap, lacksChannels } from "./channel_map.ts";

const head = (kept: Partial<MaskHead> = {}): MaskHead => ({
  ...{ keptChannels: null, keptValueChannels: null, keptTokens: null },
  ...kept,
});

const paths = (...heads: MaskHead[]) => {
  const { html } = channelMap([{ heads }], { what: "key", headDim: 8 });
  return [...html.matchAll(/<path d="([^"]*)"[^>]*?(?: opacity="([^"]*)")?>/g)]
    .map(([, d, opacity = "1"]) => ({ d, opacity: Number(opacity) }));
};

Deno.test("runs of channels are one rectangle, in the line of their head", () => {
  const d = "M24 0h6v3h-6zM45 0h3v3h-3zM24 3h24v3h-24z";
  assertEquals(paths(head({ keptChannels: [0, 1, 7] }), head()), [{ d, opacity: 1 }]);
});

Deno.test("of two widths the narrower channels are fainter, also where a head has no wider ones", () => {
  const wide = head({ keptChannels: [0, 1, 2], keptChannelBits: [4, 2, 2] });
  const narrow = head({ keptChannels: [5], keptChannelBits: [2] });
  assertEquals(paths(wide, narrow), [
    { d: "M24 0h3v3h-3z", opacity: 1 },
    { d: "M27 0h6v3h-6zM39 3h3v3h-3z", opacity: 0.5 },
  ]);
});

Deno.test("of keys with channels of their own a channel is the fainter the fewer keep it", () => {
  const own = head({ keptChannelShares: [1, 0.5, 0.01, 0, 0, 0, 0, 0] });
  assertEquals(paths(own), [
    { d: "M24 0h3v3h-3z", opacity: 1 },
    { d: "M27 0h3v3h-3z", opacity: 0.5 },
    { d: "M30 0h3v3h-3z", opacity: 0.25 },
  ]);
  assert(lacksChannels([{ heads: [head(), own] }], "key"));
  assert(!lacksChannels([{ heads: [head(), own] }], "value"));
});
