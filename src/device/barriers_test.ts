/** Which barriers hold back everything, and which parts only. */

import { assertEquals } from "@std/assert";
import { barriersOf } from "./barriers.ts";

const parts = { along: "n", of: [0, 1] };
const kinds = (...invocations: Parameters<typeof barriersOf>[0]) =>
  barriersOf(invocations).map(({ barrier, byParts }) => `${barrier}${byParts ? "*" : ""}`);

Deno.test("a barrier is one of parts where all of both levels have parts", () => {
  assertEquals(kinds(), []);
  assertEquals(kinds({}, {}), ["full", "full"]);
  assertEquals(kinds({ parts }), ["full"]);
  assertEquals(kinds({ parts }, {}, { parts }), ["full", "full", "full"]);
  assertEquals(kinds({}, { parts }, { parts }, { parts }, {}), [
    ...["full", "parts*", "parts*", "full*", "full"],
  ]);
});

Deno.test("invocations side by side count as one", () => {
  const beside = { barrier: false, parts };
  assertEquals(kinds({ parts }, beside, { parts }, { parts }), [
    ...["parts*", "none*", "parts*", "full*"],
  ]);
  // One without parts is waited for, and waits, as a whole.
  assertEquals(kinds({ parts }, { barrier: false }, { parts }, { parts }), [
    ...["full", "none", "full", "full"],
  ]);
  assertEquals(kinds({ barrier: false }, { barrier: true }, { barrier: false }), [
    ...["none", "full", "none"],
  ]);
});
