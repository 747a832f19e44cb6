import { assertEquals } from "@std/assert";
import { formatDuration, parseDuration } from "./duration.ts";

Deno.test("spans of time read in two units", () => {
  const texts = [0, 2340, 9949, 59_400, 125_400, 3_600_000, 5_430_000].map(formatDuration);
  assertEquals(texts, ["0.0s", "2.3s", "9.9s", "59s", "2m 5s", "1h 0m", "1h 30m"]);
});

Deno.test("spans of time are written with a unit", () => {
  assertEquals(["90s", "10m", "1.5h"].map(parseDuration), [90_000, 600_000, 5_400_000]);
  assertEquals(["10", "m", "-1m", "1d", ""].map(parseDuration), Array(5).fill(undefined));
});
