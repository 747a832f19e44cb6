import { assertEquals } from "@std/assert";
import { projectUrl, runChild } from "../sys/testing.ts";
import { chooseDevice, openDevice } from "./mod.ts";

Deno.test("the CPU is opened unless another device is asked for", async () => {
  for (const options of [{}, { kind: "cpu" }] as const) {
    const device = await openDevice({ ...options, threads: 1 });
    assertEquals([device.kind, device.target], ["cpu", "c"]);
    assertEquals(device.name.startsWith("cpu (1 thread, "), true);
    device.close();
  }
});

Deno.test("auto opens what chooseDevice takes", async () => {
  const { kind } = await chooseDevice();
  const device = await openDevice({ kind: "auto" });
  assertEquals(device.kind, kind);
  device.close();
});

Deno.test("a device that was asked for and cannot be used is an error, not another device", async () => {
  const code = `import { openDevice } from "${projectUrl("src/device/mod.ts")}";
    const error = await openDevice({ kind: "cuda" }).catch((error) => error);
    console.log(error.name);`;
  const { stdout, stderr } = await runChild(code, { env: { KERF_LIBCUDA: "/nowhere/libcuda.so" } });
  assertEquals(stdout, "KerfError\n", stderr);
});
