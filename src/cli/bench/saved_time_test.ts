import { assertAlmostEquals, assertEquals } from "@std/assert";
import { savedRows, savedText } from "./saved_time.ts";

const MIB = 1 << 20;
const turnsOf = (bytes: number, times: readonly number[]) =>
  times.map((ms) => ({ ns: 1e6 * ms, bytes }));

/** A machine that takes twice as long in its last turn. */
const DENSE = { prune: "none", turns: turnsOf(100 * MIB, [4, 5, 10]) };
const HALF = { prune: "half", turns: turnsOf(50 * MIB, [3, 3, 5]) };

Deno.test("what is saved is the median of each turn's own pair, not of medians", () => {
  const [row, ...rest] = savedRows(4096, [DENSE, HALF]);
  assertEquals(rest, []);
  assertEquals([row!.prune, row!.against, row!.n_depth, row!.n_turns], ["half", "none", 4096, 3]);
  assertEquals([row!.attention_ns, row!.against_ns], [3e6, 5e6]);
  assertEquals([row!.cache_bytes, row!.against_bytes], [50 * MIB, 100 * MIB]);
  assertAlmostEquals(row!.time_saved, 0.4, 1e-12);
  assertAlmostEquals(row!.bytes_saved, 0.5, 1e-12);
  const ratios = [row!.saved_ratio_low, row!.saved_ratio, row!.saved_ratio_high];
  for (const [i, ratio] of [0.5, 0.8, 1].entries()) assertAlmostEquals(ratios[i]!, ratio, 1e-12);
});

Deno.test("a spec that takes longer has a ratio below 0, one that saves no byte has none", () => {
  const slow = { prune: "slow", turns: turnsOf(50 * MIB, [5, 6, 12]) };
  const whole = { prune: "whole", turns: turnsOf(100 * MIB, [2, 2, 2]) };
  const [worse, none] = savedRows(0, [DENSE, slow, whole]);
  assertAlmostEquals(worse!.saved_ratio!, -0.4, 1e-12);
  assertEquals([none!.saved_ratio, none!.saved_ratio_low, none!.bytes_saved], [null, null, 0]);
});

Deno.test("each depth's rows stand behind the spec they are held to", () => {
  const rows = [
    ...savedRows(64, [DENSE, HALF, { ...HALF, prune: "other" }]),
    ...savedRows(128, [DENSE, { prune: "whole", turns: DENSE.turns }]),
  ];
  assertEquals(
    savedText(rows),
    `Attention of a step beside the cache it reads, medians of 3 interleaved turns:

| prune | depth | attention ms | cache read | time saved | bytes saved |       time ÷ bytes |
| ----- | ----: | -----------: | ---------: | ---------: | ----------: | -----------------: |
| none  |    64 |        5.000 |  100.0 MiB |            |             |                    |
| half  |    64 |        3.000 |   50.0 MiB |     40.0 % |      50.0 % | 0.80 (0.50 … 1.00) |
| other |    64 |        3.000 |   50.0 MiB |     40.0 % |      50.0 % | 0.80 (0.50 … 1.00) |
| none  |   128 |        5.000 |  100.0 MiB |            |             |                    |
| whole |   128 |        5.000 |  100.0 MiB |      0.0 % |       0.0 % |                    |
`,
  );
});
