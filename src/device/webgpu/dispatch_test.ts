import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { spreadGroups } from "./dispatch.ts";

Deno.test("spreadGroups: enough groups, no axis too long, less than a row to spare", () => {
  const count = fc.integer({ min: 0, max: 1 << 24 });
  fc.assert(
    fc.property(count, fc.integer({ min: 4096, max: 65535 }), (n, longest) => {
      const [x, y] = spreadGroups(n, longest);
      assert(x <= longest && y <= longest && x * y >= n && (y - 1) * x <= n);
    }),
    { seed: 3 },
  );
  assertEquals(spreadGroups(65535, 65535), [65535, 1]);
  assertEquals(spreadGroups(65536, 65535), [32768, 2]);
});
