import { assertEquals, assertRejects } from "@std/assert";
import { KerfError } from "../core/error.ts";
import { openDevice } from "./mod.ts";

Deno.test("cpu and auto open the CPU", async () => {
  for (const kind of ["cpu", "auto"] as const) {
    const device = await openDevice({ kind, threads: 1 });
    assertEquals([device.kind, device.target], ["cpu", "c"]);
    assertEquals(device.name.startsWith("cpu (1 thread, "), true);
    device.close();
  }
});

Deno.test("a device that is not there is an error that says what to type", async () => {
  const error = await assertRejects(() => openDevice({ kind: "cuda" }), KerfError, 'device "cuda"');
  assertEquals(error.hints, ["--device cpu"]);
});
