/** The text of a new attention variant: causal, with a bias towards near keys, as a place to start from. */

import type { NewFiles } from "../new.ts";

/** A score, a mask and their test. */
export function attentionFiles(name: string): NewFiles {
  return {
    variant: `import { attention } from "kerf/dsl";

/**
 * What it does to a logit and why, and which keys a query sees.
 */
export default attention({
  name: "${name}",
  params: {
    slope: { default: 0.01, min: 0, doc: "what a logit loses per position" },
  },
  score: (s, { queryPosition, keyPosition, slope }) => s - slope * (queryPosition - keyPosition),
  mask: (_, { queryPosition, keyPosition }) => keyPosition <= queryPosition,
});
`,
    test: `import { assert, assertEquals } from "@std/assert";
import variant from "./${name}.ts";

/** A hook of the variant as plain TypeScript. */
const hook = (path: string) =>
  variant.hooks.find((hook) => hook.path === path)!.run as (s: number, context: object) => unknown;

Deno.test("${name}: a near key keeps more of its logit than a far one", () => {
  const score = (keyPosition: number) =>
    Number(hook("score")(1, { queryPosition: 20, keyPosition, slope: 0.1 }));
  assert(score(19) > score(2), \`\${score(19)} is not above \${score(2)}\`);
});

Deno.test("${name}: a query sees no key that comes later", () => {
  const sees = (keyPosition: number) => hook("mask")(1, { queryPosition: 5, keyPosition });
  assertEquals([sees(4), sees(5), sees(6)], [true, true, false]);
});
`,
  };
}
