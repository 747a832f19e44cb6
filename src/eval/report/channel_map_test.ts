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
  const d = "M36 0h6v3h-6zM57 0h3v3h-3zM36 3h24v3h-24z";
  assertEquals(paths(head({ keptChannels: [0, 1, 7] }), head()), [{ d, opacity: 1 }]);
});

Deno.test("of two widths the narrower channels are fainter, also where a head has no wider ones", () => {
  const wide = head({ keptChannels: [0, 1, 2], keptChannelBits: [4, 2, 2] });
  const narrow = head({ keptChannels: [5], keptChannelBits: [2] });
  assertEquals(paths(wide, narrow), [
    { d: "M36 0h3v3h-3z", opacity: 1 },
    { d: "M39 0h6v3h-6zM51 3h3v3h-3z", opacity: 0.5 },
  ]);
});

Deno.test("of keys with channels of their own a channel is the fainter the fewer keep it", () => {
  const own = head({ keptChannelShares: [1, 0.5, 0.01, 0, 0, 0, 0, 0] });
  assertEquals(paths(own), [
    { d: "M36 0h3v3h-3z", opacity: 1 },
    { d: "M39 0h3v3h-3z", opacity: 0.5 },
    { d: "M42 0h3v3h-3z", opacity: 0.25 },
  ]);
  // What shades stand for is said where there are some.
  const shadesOf = (kept: Partial<MaskHead>) =>
    channelMap([{ heads: [head(kept)] }], { what: "key", headDim: 8 }).html
      .match(/\d+ %(?=<)/g);
  assertEquals(shadesOf(own), ["25 %", "50 %", "75 %", "100 %"]);
  assertEquals(shadesOf({ keptChannels: [0] }), null);
  assert(lacksChannels([{ heads: [head(), own] }], "key"));
  assert(!lacksChannels([{ heads: [head(), own] }], "value"));
});
