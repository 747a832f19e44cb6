/** Queries that turn back where rows leave: C against plain loops. */

import { testIsas } from "../../src/device/testing.ts";
import { runPicked } from "../_kernel.ts";
import { checkTurned } from "../_turned_queries.ts";

Deno.test("queries turn back by as many places as rows leave before them", async () => {
  for (const isa of await testIsas()) {
    const run = runPicked({ isa });
    await checkTurned({ rows: [33, 9], group: 3, headDim: 32, window: 8, behind: 0 }, run);
  }
  const run = runPicked();
  await checkTurned({ rows: [1], group: 1, headDim: 16, window: 5, behind: 0 }, run);
  await checkTurned({ rows: [127, 31], group: 4, headDim: 48, window: 33, behind: 7 }, run);
  // A ring that remembers more queries than there are rows.
  await checkTurned({ rows: [300], group: 8, headDim: 64, window: 512, behind: 60 }, run);
});
