import { assertAlmostEquals, assertEquals } from "@std/assert";
import causal from "../../kernels/attention/causal.ts";
import { attentionReference } from "./attention.ts";
import { authorRunner } from "./hooks.ts";

const hooks = { score: authorRunner(causal, "score"), mask: authorRunner(causal, "mask") };

Deno.test("attentionReference: two keys by hand", () => {
  const out = attentionReference({
    q: [1, 0],
    keys: [[Math.log(3), 9], [0, 9], [50, 9]],
    values: [[4, 0], [0, 8], [100, 100]],
    scale: 1,
    context: { queryPosition: 1 },
    ...hooks,
  });
  assertAlmostEquals(out[0]!, 3);
  assertAlmostEquals(out[1]!, 2);
});

Deno.test("attentionReference: a fully masked row is zeros (oracle 7)", () => {
  const query = { q: [1], keys: [[1]], values: [[7]], scale: 1, context: { queryPosition: -1 } };
  assertEquals(Array.from(attentionReference({ ...query, ...hooks })), [0]);
});
