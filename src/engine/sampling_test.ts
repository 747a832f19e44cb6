import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { KerfError } from "../core/error.ts";
import { randomSource } from "./random.ts";
import { distribution, penalise, sampler } from "./sampling.ts";

const logs = (...p: number[]) => Float32Array.from(p, Math.log);

Deno.test("greedy takes the largest logit and of equal ones the lowest id", () => {
  const greedy = sampler({});
  assertEquals(greedy(Float32Array.of(-1, 5, 5, 2), []), 1);
  assertEquals(greedy(Float32Array.of(-3), []), 0);
});

Deno.test("top-k, top-p and min-p keep what they say, likeliest first", () => {
  const logits = logs(0.1, 0.4, 0.2, 0.3);
  const kept = (options: object) => distribution(logits, { temperature: 1, ...options }).ids;
  assertEquals(kept({}), [1, 3, 2, 0]);
  assertEquals(kept({ topK: 2 }), [1, 3]);
  assertEquals(kept({ topK: 99 }), [1, 3, 2, 0]);
  assertEquals(kept({ topP: 0.65 }), [1, 3]);
  assertEquals(kept({ topP: 0.75 }), [1, 3, 2]);
  assertEquals(kept({ topP: 0.01 }), [1]);
  assertEquals(kept({ minP: 0.45 }), [1, 3, 2]);
  assertEquals(kept({ minP: 1 }), [1]);
  // top-p counts mass among the top-k: 0.4 of 0.7 is 0.57.
  assertEquals(kept({ topK: 2, topP: 0.56 }), [1]);
  assertEquals(distribution(Float32Array.of(1, 1, 1), { temperature: 1, topK: 2 }).ids, [0, 1]);
  const { probabilities } = distribution(logits, { temperature: 1, topK: 2 });
  assertAlmostEquals(probabilities[0]!, 4 / 7, 1e-6);
});

Deno.test("the shortlist for a small k is the head of the full order", () => {
  const random = randomSource(5);
  const logits = Float32Array.from({ length: 5000 }, () => Math.fround(Math.floor(random() * 900)));
  const all = distribution(logits, { temperature: 1 }).ids;
  for (const topK of [1, 2, 40, 200]) {
    assertEquals(distribution(logits, { temperature: 1, topK }).ids, all.slice(0, topK));
  }
});

Deno.test("temperature sharpens and a seeded sampler draws the stated frequencies", () => {
  const logits = logs(0.1, 0.4, 0.2, 0.3);
  const half = distribution(logits, { temperature: 0.5 }).probabilities;
  assertAlmostEquals(half[0]!, 0.16 / 0.30, 1e-6);
  const draw = sampler({ temperature: 1, seed: 11 });
  const counts = [0, 0, 0, 0];
  const n = 20000;
  for (let i = 0; i < n; i++) counts[draw(logits, [])]!++;
  // Four standard deviations of a binomial share at n draws.
  [0.1, 0.4, 0.2, 0.3].forEach((p, id) => {
    assertAlmostEquals(counts[id]! / n, p, 4 * Math.sqrt(p * (1 - p) / n));
  });
});

Deno.test("a seed repeats its draws, another seed does not", () => {
  const logits = Float32Array.from({ length: 50 }, (_, i) => Math.sin(i));
  const run = (seed: number) => {
    const draw = sampler({ temperature: 1, seed });
    return Array.from({ length: 40 }, () => draw(logits, []));
  };
  assertEquals(run(1), run(1));
  assert(run(1).join() !== run(2).join());
});

Deno.test("the repetition penalty lowers recent tokens of either sign, once each", () => {
  const logits = Float32Array.of(2, -2, 1);
  assertEquals([...penalise(logits, [0, 1, 0], 2)], [1, -4, 1]);
  assertEquals(sampler({ repeatPenalty: 4 })(logits, [0]), 2);
  // A token further back than the window is free again.
  assertEquals(sampler({ repeatPenalty: 4 })(logits, [0, ...Array(64).fill(1)]), 0);
});

Deno.test("options out of range are refused by flag", () => {
  for (
    const [options, flag] of [
      [{ temperature: -1 }, "--temp"],
      [{ temperature: NaN }, "--temp"],
      [{ topK: 1.5 }, "--top-k"],
      [{ topP: 0 }, "--top-p"],
      [{ minP: 2 }, "--min-p"],
      [{ repeatPenalty: 0 }, "--repeat-penalty"],
      [{ seed: 0.5 }, "--seed"],
    ] as const
  ) {
    assertEquals(assertThrows(() => sampler(options), KerfError, flag).exitCode, 2);
  }
});

Deno.test("top-p and min-p over all keep what sorting all of them keeps", () => {
  const random = randomSource(6);
  for (const scale of [0.01, 1, 4, 12]) {
    // Many equal ones, and some far above: a long tail and a short one.
    const logits = Float32Array.from({ length: 3000 }, () => Math.round(scale * 8 * random()) / 4);
    const all = distribution(logits, { temperature: 1 });
    for (const topP of [0.01, 0.5, 0.9, 0.999, 1]) {
      let mass = 0;
      const cut = all.probabilities.findIndex((p) => (mass += p) >= topP) + 1 || 3000;
      const { ids } = distribution(logits, { temperature: 0.7, topP });
      // The sum is taken in another order: the cut may be one further where it is met exactly.
      assert(Math.abs(ids.length - cut) <= 1, `${scale}, ${topP}: ${ids.length} of ${cut}`);
      assertEquals(ids, all.ids.slice(0, ids.length));
    }
    for (const minP of [1e-3, 0.3]) {
      const cut = all.probabilities.findIndex((p) => p < minP * all.probabilities[0]!);
      const { ids } = distribution(logits, { temperature: 0.7, minP });
      assertEquals(ids, all.ids.slice(0, cut < 0 ? 3000 : cut));
    }
  }
});
