import { assertEquals, assertThrows } from "@std/assert";
import { KerfError } from "../../core/error.ts";
import { levelsOf } from "./tune.ts";

Deno.test("each set of shapes is tuned once, on the best level that has it", () => {
  assertEquals(levelsOf(["vnni", "v4", "v3", "v2", "base"], undefined), ["vnni", "v4", "v3", "v2"]);
  assertEquals(levelsOf(["base"], undefined), ["base"]);
  assertEquals(levelsOf(["v3", "v2", "base"], "base"), ["base"]);
});

Deno.test("a level that the machine lacks is refused", () => {
  const error = assertThrows(() => levelsOf(["v3", "v2", "base"], "v4"), KerfError);
  assertEquals(
    error.render(),
    'error: Cannot tune "v4": this machine does not have it\nhint: --isa v3   (one of v3, v2, base)',
  );
});
