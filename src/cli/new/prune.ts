/** The text of a new pruning variant: ThinK's score, as a place to start from. */

import type { NewFiles } from "../new.ts";

/** A channel step and its test. */
export function pruneFiles(name: string): NewFiles {
  return {
    variant: `import { channels, meanSquare, pruning } from "kerf/dsl";

/**
 * What it drops and why that may go. What it costs, and what it loses.
 */
export default pruning({
  name: "${name}",
  params: {
    ratio: { default: 0.5, min: 0, max: 0.95, doc: "share of the key channels removed" },
  },
  steps: [channels({
    of: "key",
    group: "mean",
    window: 32,
    // A channel over the last 32 queries of a head (q) and over its cached keys (k); the highest stay.
    score: (q, k) => meanSquare(q) * meanSquare(k),
    remove: "ratio",
    protect: { last: 32 },
  })],
});
`,
    test: `import { assert } from "@std/assert";
import variant from "./${name}.ts";

Deno.test("${name}: a channel of larger queries and keys has the higher score", () => {
  const [step] = variant.steps;
  if (step?.kind !== "channels" || step.of !== "key") {
    throw new TypeError("score channels of keys first");
  }
  const context = { layer: 0, kvHead: 0, channel: 0, ratio: 0.5 };
  const quiet = step.score([0.1, -0.2], [0.3, 0.1, -0.1], context);
  const loud = step.score([1, -2], [3, 1, -1], context);
  assert(loud > quiet, \`\${loud} is not above \${quiet}\`);
});
`,
  };
}
