import { assertEquals, assertRejects } from "@std/assert";
import { besideBusy } from "./busy.ts";

Deno.test("work beside a busy process gives its result or its error, and the process ends", async () => {
  const now = { startingMs: 0 };
  assertEquals(await besideBusy(1, () => Promise.resolve(3), now), 3);
  const fails = () => Promise.reject(new TypeError("the work's"));
  await assertRejects(() => besideBusy(1, fails, now), TypeError, "the work's");
});
