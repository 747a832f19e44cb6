import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { countGroups, spreadGroups } from "./dispatch.ts";

Deno.test("countGroups: numbers, constants, step fields and fields that a constant names", () => {
  const values = { constants: { n_out: 33, rows_field: 2 }, step: [5, 1, 9, 0, 0, 4] };
  assertEquals(countGroups([{ of: 7 }, { of: { constant: "n_out" }, per: 16 }], values), 21);
  assertEquals(countGroups([{ of: { step: "nSplits" } }], values), 4);
  assertEquals(countGroups([{ of: { stepAt: "rows_field" }, per: 8 }], values), 2);
  assertEquals(countGroups([{ of: { step: "nTiles" } }, { of: 3 }], values), 0);
});

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
