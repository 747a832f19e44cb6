import { assertEquals, assertRejects } from "@std/assert";
import { KerfError } from "../../core/error.ts";
import { besideBusy } from "./busy.ts";

Deno.test("work beside a busy process gives its result or its error, and the process ends", async () => {
  const now = { startingMs: 0 };
  assertEquals(await besideBusy(1, () => Promise.resolve(3), now), 3);
  const fails = () => Promise.reject(new TypeError("the work's"));
  await assertRejects(() => besideBusy(1, fails, now), TypeError, "the work's");
});

Deno.test("a busy process that ends is told with what shows why", async () => {
  const script = "Deno.exit(3)";
  const work = () => new Promise<never>(() => {});
  const error = await assertRejects(
    () => besideBusy(1, work, { startingMs: 0, script }),
    KerfError,
    "ended with code 3",
  );
  assertEquals(error.hints, [`${Deno.execPath()} eval "${script}" # says why`]);
});
