import { assertEquals } from "@std/assert";
import { keptShares, tokenMap, tokenStep } from "./token_map.ts";

const layer = (...kept: (number[] | null)[]) => ({
  heads: kept.map((keptTokens) => ({ keptChannels: null, keptValueChannels: null, keptTokens })),
});

Deno.test("a token's share counts the heads of all layers that keep it", () => {
  assertEquals(keptShares([layer([0, 2], [2]), layer(null, [1, 2])], 3), [0.5, 0.5, 1]);
  assertEquals(keptShares([layer(null), layer(null)], 3), null);
});

Deno.test("the first step is for none, the last for all and nothing else", () => {
  assertEquals([0, 0.001, 0.34, 0.999, 1].map(tokenStep), [0, 1, 2, 3, 4]);
});

Deno.test("neighbours of one step are one run of text", () => {
  const { html } = tokenMap(["a", " <", "c"], [1, 1, 0]);
  assertEquals(
    html.match(/<span.*<\/span>/)![0],
    '<span class="t4">a &lt;</span><span class="t0">c</span>',
  );
});
