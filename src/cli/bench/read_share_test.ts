import { assertAlmostEquals, assertEquals } from "@std/assert";
import { readShare, readShareText } from "./read_share.ts";

const turns = [[30, 40], [10, 40], [36, 40], [27, 30], [20, 20]]
  .map(([step, read]) => ({ step: step! * 1e9, read: read! * 1e9 }));

Deno.test("a share is the median of each turn's own, not the ratio of medians", () => {
  const share = readShare(96 << 20, turns);
  assertEquals([share.n_turns, share.bytes_s, share.read_bytes_s], [5, 27e9, 40e9]);
  assertEquals([share.read_low, share.read_high], [20e9, 40e9]);
  assertAlmostEquals(share.of_read, 0.9, 1e-12);
  assertEquals([share.of_read_low, share.of_read_high], [0.25, 1]);
  assertEquals(
    readShareText(share, { nDepth: 0, threads: 2 }),
    "Decoding after 0 tokens reads weights and cache, 96.0 MiB, at 27.0 GB/s: 90 % (25 … 100) of " +
      "what 2 threads read of a buffer as large, 40.0 GB/s (20.0 … 40.0); medians of 5 " +
      "interleaved pairs\n",
  );
});
