import { assertEquals, assertThrows } from "@std/assert";
import { lastQueries } from "./accumulator.ts";
import { channels } from "./channels.ts";

const rows = (n: number) => Array.from({ length: n }, (_, p) => [p, -p]);

Deno.test("the last queries come out oldest first, and only as many as there were", () => {
  const ring = lastQueries(4);
  for (const n of [0, 1, 3, 4, 5, 9]) {
    const state = rows(n).reduce((s, row, p) => ring.update(s, row, p), ring.init(4));
    const last = rows(n).slice(-4);
    assertEquals([...Array.from(ring.finish(state, 0))], last.map(([a]) => a!));
    assertEquals([...Array.from(ring.finish(state, 1))], last.map(([, b]) => b!));
  }
});

Deno.test("a window is short for the last queries; one of the two is given", () => {
  const shared = { of: "key", group: "mean", score: () => 0, remove: 0.5 } as const;
  assertEquals(channels({ ...shared, window: "w" }).queries.rows, "w");
  assertEquals(channels({ ...shared, queries: lastQueries(7) }).queries.rows, 7);
  assertThrows(() => channels(shared), TypeError, "exactly one of `queries` and `window`");
  const both = { ...shared, window: 1, queries: lastQueries(1) };
  assertThrows(() => channels(both), TypeError, "exactly one of `queries` and `window`");
});
