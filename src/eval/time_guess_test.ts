import { assertEquals } from "@std/assert";
import { continuationCase } from "./continuation.ts";
import { TimeGuess } from "./time_guess.ts";

const item = (nPrompt: number, nFed: number) =>
  continuationCase("p", new Array(nPrompt + nFed + 1).fill(0), nPrompt);

Deno.test("a guess has one prefill a case and what each spec took, and corrects itself", () => {
  const guess = new TimeGuess();
  const [small, large] = [item(100, 100), item(200, 200)];
  const times = (spec: string, prefillMs: number, measureMs: number) => ({
    ...{ spec, prefillMs, measureMs, compressMs: 10 },
  });
  assertEquals(guess.of(small, ["none"]), null);
  guess.add(small, times("none", 1000, 190), true);
  // An unknown spec is taken for those that are known.
  assertEquals(guess.of(small, ["none", "slow"]), 1000 + 2 * 200);
  assertEquals(guess.of(small, ["slow"], true), 200);
  assertEquals(guess.of(large, ["none"]), 2000 + 400);
  guess.add(small, times("slow", 0, 590), false);
  assertEquals(guess.of(small, ["none", "slow"]), 1000 + 200 + 600);
  assertEquals(guess.of(large, ["slow"], true), 1200);
  // Protocols differ in what a token takes.
  const other = { ...small, protocol: "needle" };
  assertEquals(guess.of(other, ["slow"], true), 400);
  guess.add(other, times("none", 500, 40), true);
  assertEquals(guess.of(other, ["slow"]), 750 * 1 + 50);
  assertEquals(guess.of(small, ["slow"], true), 600);
});
