import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { KerfError } from "../core/error.ts";
import { layoutOf } from "../layout/make.ts";
import { layout, segment } from "./layout.ts";
import type { CacheTypes, Layout, StreamTiles } from "./layout.ts";
import { channels } from "./channels.ts";
import { layoutSteps } from "./layout_steps.ts";
import { pruning } from "./pruning.ts";

const step = channels({ of: "key", group: "mean", window: 1, score: () => 0, remove: 0.5 });
const variant = (own?: (types: CacheTypes, tiles: StreamTiles) => Layout) =>
  pruning({ name: "own", steps: [step], ...(own ? { layout: own } : {}) });
const types = { key: "f16", value: "f32" } as const;

Deno.test("a variant may declare the layout that its steps would make", () => {
  const own = variant(({ key, value }, tiles) => {
    const code = { kind: key } as const;
    return layout({
      key: [
        segment({ channels: "list", code, tile: tiles.key }),
        segment({ code, tile: tiles.key }),
      ],
      value: [segment({ code: { kind: value }, tile: tiles.value })],
    });
  });
  assertEquals(layoutOf(layoutSteps(own), types), layoutOf(layoutSteps(variant()), types));
});

Deno.test("a declared layout obeys the rules, and has a list for what a step keeps", () => {
  const code = { kind: "f16" } as const;
  const refused = (key: Parameters<typeof segment>[0][]) => {
    const own = variant(() => layout({ key: key.map(segment), value: [segment({ code })] }));
    return assertThrows(() => layoutOf(layoutSteps(own), types), KerfError).message;
  };
  assertStringIncludes(refused([{ code }]), "0 segments with a channel list, its steps make 1");
  assertStringIncludes(
    refused([{ code }, { code, channels: "list" }]),
    "new rows go to the last segment as they are",
  );
});
