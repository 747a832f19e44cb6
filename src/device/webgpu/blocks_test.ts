import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { CommittedBlocks, memoryFor } from "./blocks.ts";

Deno.test("blocks: the end is that of the last block in use", () => {
  const blocks = new CommittedBlocks(10_000);
  assertEquals(blocks.endBytes, 0);
  blocks.commit(0, 0);
  assertEquals(blocks.endBytes, 0);
  blocks.commit(100, 1);
  assertEquals(blocks.endBytes, 4096);
  blocks.commit(8191, 2);
  assertEquals(blocks.endBytes, 10_000);
  // Half a block stays; the buffer's last one is whole although it is short.
  blocks.discard(8000, 1000);
  assertEquals(blocks.endBytes, 10_000);
  blocks.discard(8000, 2000);
  assertEquals(blocks.endBytes, 8192);
  blocks.discard(0, 4096);
  assertEquals(blocks.endBytes, 8192);
  blocks.discard(4096, 4096);
  assertEquals(blocks.endBytes, 0);
});

Deno.test("blocks: what is committed and not discarded lies before the end", () => {
  const bytes = 50_000;
  const range = fc.tuple(fc.boolean(), fc.nat(bytes), fc.nat(bytes));
  fc.assert(
    fc.property(fc.array(range, { maxLength: 30 }), (ranges) => {
      const blocks = new CommittedBlocks(bytes);
      const used = new Uint8Array(bytes);
      for (const [commits, a, b] of ranges) {
        const [first, last] = [Math.min(a, b), Math.max(a, b)];
        if (commits) blocks.commit(first, last - first);
        else blocks.discard(first, last - first);
        used.fill(Number(commits), first, last);
      }
      assert(used.lastIndexOf(1) < blocks.endBytes || blocks.endBytes === bytes);
    }),
    { seed: 4 },
  );
});

Deno.test("memoryFor: grows ahead of need, shrinks below half, never past the most", () => {
  assertEquals(memoryFor(4096, { has: 16, most: 1 << 20 }), 8192);
  assertEquals(memoryFor(4096, { has: 8192, most: 1 << 20 }), 8192);
  assertEquals(memoryFor(4096, { has: 8193, most: 1 << 20 }), 8192);
  assertEquals(memoryFor(100_000, { has: 8192, most: 100_000 }), 100_000);
  assertEquals(memoryFor(16, { has: 16, most: 64 }), 16);
});
