/** Dynamic shared memory from a kernel's manifest entry to its blocks, launched and as a graph. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import type { KernelRequest } from "../types.ts";
import { withEmulatedCuda } from "./testing.ts";
import { header, reverse, words } from "./toy_testing.ts";

const iota = Uint32Array.from({ length: 64 }, (_, i) => i);

/** The kernel with other bytes than its own. */
function reverseWith(sharedBytes: number): KernelRequest {
  const cuda = { ...reverse.entry.sources.cuda!, sharedBytes };
  return { ...reverse, entry: { ...reverse.entry, sources: { cuda } } };
}

Deno.test("a block gets the shared memory that the manifest says, more than 48 KiB too", () =>
  withEmulatedCuda(async (device, driver) => {
    const [kernel] = await device.compile([reverse]);
    const [x, y] = [device.allocate(256, "x"), device.allocate(256, "y")];
    device.write(x, iota);
    const buffers = { x: { buffer: x }, y: { buffer: y } };
    const program = device.prepare([
      { kernel: kernel!, label: "reverse", buffers, constants: {} },
    ]);
    // Launched, then as a graph.
    for (let run = 0; run < 2; run++) {
      device.write(y, new Uint32Array(64));
      await device.run(program, header(1));
      assertEquals(await words(device, y), iota.toReversed(), `run ${run}`);
    }
    const given = driver.calls().filter(({ name }) => name === "cuFuncSetAttribute");
    assertEquals(given.map((call) => call.given), ["attribute=8 value=65536"]);
  }));

Deno.test("too little shared memory is seen, too much is refused by the driver", async () => {
  await withEmulatedCuda(async (device) => {
    const [kernel] = await device.compile([reverseWith(32 << 10)]);
    const [x, y] = [device.allocate(256, "x"), device.allocate(256, "y")];
    const buffers = { x: { buffer: x }, y: { buffer: y } };
    const program = device.prepare([
      { kernel: kernel!, label: "reverse", buffers, constants: {} },
    ]);
    await device.run(program, header(1));
    const error = await assertRejects(() => device.read(y, 0, 4));
    assert(String(error).includes("write of 4 bytes outside global memory"), String(error));
  });
  await withEmulatedCuda(async (device) => {
    const message = "cuFuncSetAttribute: CUDA_ERROR_INVALID_VALUE";
    await assertRejects(() => device.compile([reverseWith(200 << 10)]), Error, message);
  });
});
