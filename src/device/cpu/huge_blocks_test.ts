import { assert, assertEquals } from "@std/assert";
import { HUGE_PAGE, HugeBlocks } from "./huge_blocks.ts";

const PAGE = 4096;

Deno.test("a block becomes a huge page once all of it is committed, and small when a page is not", () => {
  // Blocks are aligned as addresses: the first begins after a page, the second is whole, the third is cut.
  const blocks = new HugeBlocks(BigInt(7 * HUGE_PAGE - PAGE), 3 * HUGE_PAGE);
  const [first, second] = [PAGE, PAGE + HUGE_PAGE].map((offset) => ({ offset, bytes: HUGE_PAGE }));
  blocks.commit({ offset: 0, bytes: HUGE_PAGE });
  assertEquals(blocks.settle(), []);
  blocks.commit({ offset: HUGE_PAGE, bytes: 2 * HUGE_PAGE });
  assertEquals(blocks.settle(), [{ offset: PAGE, bytes: 2 * HUGE_PAGE }]);
  assertEquals(blocks.settle(), []);

  // Less than a page is never given back.
  assertEquals(blocks.discard({ offset: 3 * PAGE + 1, bytes: 2 * PAGE - 2 }), []);
  assertEquals(blocks.discard({ offset: 3 * PAGE + 1, bytes: 2 * PAGE }), [first!]);
  const committed = blocks.committed(first!);
  assertEquals([committed.length, committed.indexOf(0), committed.lastIndexOf(0)], [512, 3, 3]);
  assertEquals(blocks.discard({ offset: 5 * PAGE, bytes: PAGE }), []);
  assertEquals(blocks.settle(), []);
  assertEquals(blocks.discard({ offset: 0, bytes: 3 * HUGE_PAGE }), [second!]);
  assert(blocks.committed(second!).every((page) => page === 0));

  blocks.commit({ offset: 0, bytes: HUGE_PAGE + PAGE });
  assertEquals(blocks.settle(), [first!]);
});

Deno.test("a buffer shorter than a block has none", () => {
  const blocks = new HugeBlocks(BigInt(PAGE), HUGE_PAGE);
  blocks.commit({ offset: 0, bytes: HUGE_PAGE });
  assertEquals(blocks.settle(), []);
  assertEquals(blocks.discard({ offset: 0, bytes: HUGE_PAGE }), []);
});
