import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { KerfError } from "../core/error.ts";
import { formatSpec, parseSpec } from "./spec.ts";
import { expandSweep } from "./sweep.ts";

Deno.test("parseSpec reads names, numbers, text and quotes", () => {
  assertEquals(parseSpec("none"), []);
  assertEquals(parseSpec("think"), [{ name: "think", values: {} }]);
  assertEquals(parseSpec("think:ratio=0.4,window=32"), [
    { name: "think", values: { ratio: 0.4, window: 32 } },
  ]);
  assertEquals(parseSpec(`a:f="x,y+z.st",n=-1e3 + b:of=snapkv`), [
    { name: "a", values: { f: "x,y+z.st", n: -1000 } },
    { name: "b", values: { of: "snapkv" } },
  ]);
});

Deno.test("parseSpec refuses what is not a spec, saying why", () => {
  for (
    const [spec, why] of [
      ["", "it is empty"],
      ["think+", "a step has no name"],
      ["think:ratio", "not key=value"],
      ["think:ratio=", "not key=value"],
      ["think:ratio=1,ratio=2", "set twice"],
      ['think:f="x', "never closed"],
      ["none+think", "stands alone"],
      ["9think", "is no name"],
    ] as const
  ) {
    const error = assertThrows(() => parseSpec(spec), KerfError, why);
    assertEquals(error.exitCode, 2);
  }
});

Deno.test("formatSpec is parseSpec's inverse", () => {
  const value = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => x === 0 ? 0 : x),
    fc.stringMatching(/^[\w ,+:=./-]{1,12}$/),
  );
  const step = fc.record({
    name: fc.stringMatching(/^[a-z_]\w{0,8}$/).filter((name) => name !== "none"),
    values: fc.dictionary(fc.stringMatching(/^[a-z]\w{0,5}$/), value, { noNullPrototype: true }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 3 }), (steps) => {
      assertEquals(parseSpec(formatSpec(steps)), steps);
    }),
    { seed: 3, numRuns: 200 },
  );
});

Deno.test("expandSweep expands ranges, the last fastest, without rounding dust", () => {
  assertEquals(expandSweep("think"), ["think"]);
  assertEquals(expandSweep("think:ratio=0.3..0.7/0.1"), [
    "think:ratio=0.3",
    "think:ratio=0.4",
    "think:ratio=0.5",
    "think:ratio=0.6",
    "think:ratio=0.7",
  ]);
  assertEquals(expandSweep("a:x=1..2/1,y=8..4/-4+b"), [
    "a:x=1,y=8+b",
    "a:x=1,y=4+b",
    "a:x=2,y=8+b",
    "a:x=2,y=4+b",
  ]);
  assertThrows(() => expandSweep("a:x=0..1/-0.1"), KerfError, "no end in sight");
  assertThrows(() => expandSweep("a:x=0..1/0"), KerfError, "no end in sight");
  assertThrows(() => expandSweep("a:x=0..1/0.0001"), KerfError, "it has 10001 values");
  const error = assertThrows(() => expandSweep("a:x=0.3..0.7+b"), KerfError, "it has no step");
  assertEquals(error.hints, ["a:x=0.3..0.7/0.1+b"]);
});
