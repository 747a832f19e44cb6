import { assertEquals, assertRejects } from "@std/assert";
import { mapLimited } from "./limit.ts";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

Deno.test("results keep the inputs' order and at most `jobs` run at once", async () => {
  for (const jobs of [1, 2, 3, 100]) {
    let running = 0;
    let most = 0;
    const results = await mapLimited([5, 1, 4, 0, 2], jobs, async (ms, index) => {
      most = Math.max(most, ++running);
      await pause(ms);
      running--;
      return `${index}:${ms}`;
    });
    assertEquals(results, ["0:5", "1:1", "2:4", "3:0", "4:2"]);
    assertEquals(most, Math.min(jobs, 5));
  }
  assertEquals(await mapLimited([], 4, () => Promise.reject(new Error("called"))), []);
});

Deno.test("after a failure nothing new starts and the first error comes out", async () => {
  const started: number[] = [];
  await assertRejects(
    () =>
      mapLimited([0, 1, 2, 3, 4], 2, async (index) => {
        started.push(index);
        await pause(index === 0 ? 10 : 1);
        if (index < 2) throw new Error(`no ${index}`);
      }),
    Error,
    "no 1",
  );
  assertEquals(started, [0, 1]);
});
