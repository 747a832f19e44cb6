import { assertAlmostEquals, assertEquals } from "@std/assert";
import { compareRows, likeliest, logSumExp, negativeLogLikelihood } from "./distribution.ts";

/** Sums of a few f64 terms. */
const EXACT = 1e-12;

Deno.test("log-sum-exp neither overflows nor vanishes", () => {
  assertAlmostEquals(logSumExp(Float32Array.of(1000, 1000)), 1000 + Math.LN2, EXACT);
  assertAlmostEquals(logSumExp(Float32Array.of(-1000, -1000)), -1000 + Math.LN2, EXACT);
  assertAlmostEquals(logSumExp(Float32Array.of(0, -1e30)), 0, EXACT);
});

Deno.test("KL is the textbook sum, zero of equal rows whatever their shift, and not symmetric", () => {
  const p = [0.5, 0.25, 0.25];
  const q = [0.25, 0.25, 0.5];
  const logits = (row: number[], shift: number) =>
    Float32Array.from(row, (x) => Math.fround(Math.log(x)) + shift);
  const want = 0.5 * Math.log(2) + 0.25 * Math.log(0.5);
  const { kl, nll, isSameTop } = compareRows(logits(p, 0), logits(q, 4), 2);
  // Logits are f32, so the probabilities are off by 1e-7 of themselves.
  assertAlmostEquals(kl, want, 1e-6);
  assertAlmostEquals(nll, Math.log(2), 1e-6);
  assertEquals(isSameTop, false);
  assertEquals(compareRows(logits(p, 0), logits(p, 0), 0).kl, 0);
  assertAlmostEquals(compareRows(logits(p, 0), logits(p, 8), 0).kl, 0, 1e-6);
  const [a, b] = [Float32Array.of(3, 0), Float32Array.of(0, 0)];
  const difference = compareRows(a, b, 0).kl - compareRows(b, a, 0).kl;
  assertEquals(Math.abs(difference) > 0.1, true);
});

Deno.test("of equal logits the lower token is likelier, and NLL is minus its log-probability", () => {
  assertEquals(likeliest(Float32Array.of(1, 5, 5, 0)), 1);
  assertAlmostEquals(negativeLogLikelihood(Float32Array.of(0, Math.log(3)), 0), Math.log(4), 1e-6);
});
