import { assertEquals } from "@std/assert";
import { channelMap } from "./channel_map.ts";

const head = (keptChannels: number[] | null, keptChannelBits?: number[]) => ({
  ...{ keptChannels, keptValueChannels: null, keptTokens: null },
  ...(keptChannelBits ? { keptChannelBits } : {}),
});

const paths = (...heads: ReturnType<typeof head>[]) => {
  const options = { what: "key", headDim: 8 };
  const { html } = channelMap([{ heads }], (own) => own.keptChannels, options);
  return [...html.matchAll(/<path d="([^"]*)"[^>]*?( opacity="0.5")?>/g)]
    .map(([, d, faint]) => ({ d, isFaint: faint !== undefined }));
};

Deno.test("runs of channels are one rectangle, in the line of their head", () => {
  const d = "M24 0h6v3h-6zM45 0h3v3h-3zM24 3h24v3h-24z";
  assertEquals(paths(head([0, 1, 7]), head(null)), [{ d, isFaint: false }]);
});

Deno.test("of two widths the narrower channels are fainter", () => {
  assertEquals(paths(head([0, 1, 2], [4, 2, 2])), [
    { d: "M24 0h3v3h-3z", isFaint: false },
    { d: "M27 0h6v3h-6z", isFaint: true },
  ]);
});
