/**
 * Every driver call of a short life of the device is made to fail, one after the other: each failure is an
 * error that names the call, and nothing is left on the GPU. Then what a machine may lack.
 */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { testFolder } from "../../model/testing_files.ts";
import { projectUrl, runChild } from "../../sys/testing.ts";
import { KerfError } from "../../core/error.ts";
import { openContext } from "./context.ts";
import { openEmulatedCuda } from "./emulator/open.ts";
import type { EmulatedDriver, GpuProperty } from "./emulator/emulated_driver.ts";
import { freshDriver } from "./testing.ts";
import { header, mix, reverse } from "./toy_testing.ts";

const MIB = 1 << 20;

/** A short life: every function of the device, programs launched and as graphs. */
async function life(file: string): Promise<void> {
  const device = await openEmulatedCuda();
  try {
    const [kernel] = await device.compile([mix, reverse]);
    const x = await device.readFile({ path: file, offset: 0, bytes: 256 }, "x");
    const y = device.reserve(8 * MIB, "y");
    device.commit(y, MIB, 2 * MIB);
    const invocation = {
      ...{ kernel: kernel!, label: "mix", constants: { shift: 1 } },
      buffers: { x: { buffer: x }, y: { buffer: y, offset: MIB } },
    };
    const program = device.prepare([invocation, invocation]);
    for (let run = 0; run < 3; run++) await device.run(program, header(64));
    await device.elapsedMs(program, header(64), 2);
    await device.read(y, MIB, 256);
    device.copy(y, { from: MIB, to: 3 * MIB - 256, bytes: 256 });
    device.discard(y, 0, 2 * MIB);
    const z = device.allocate(64, "z");
    device.write(z, new Uint32Array(16));
    device.free(z);
    device.free(y);
    device.reserve(2 * MIB, "left to close");
  } finally {
    device.close();
  }
}

/** Runs a life in which the n-th call of a name fails. */
async function failing(driver: EmulatedDriver, name: string, n: number, code: number) {
  driver.reset();
  driver.fail(name, n, code);
  await using folder = await testFolder();
  const file = await folder.write("x", new Uint8Array(256));
  const what = `call ${n} of ${name}`;
  const error = await assertRejects(() => life(file), KerfError, undefined, what);
  assertEquals(driver.leaks(), [], what);
  return error.message;
}

const LAUNCH_FAILED = 719;
const OUT_OF_MEMORY = 2;

Deno.test("whichever driver call fails, the error names it and nothing is left on the GPU", async () => {
  const driver = await freshDriver();
  await using folder = await testFolder();
  await life(await folder.write("x", new Uint8Array(256)));
  assertEquals(driver.leaks(), []);
  const counts = new Map<string, number>();
  for (const { name, code } of driver.calls()) {
    assert(code === 0 || code === 600, `${name} returned ${code}`);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  assert(counts.size >= 39, `${counts.size} functions only`);
  for (const [name, times] of counts) {
    for (let n = 1; n <= times; n++) {
      const message = await failing(driver, name, n, LAUNCH_FAILED);
      const shown = `${name.replace(/_v2$/, "")}: CUDA_ERROR_LAUNCH_FAILED (`;
      // Before the library is open for good there are no words for a code.
      const early = `${name}: code ${LAUNCH_FAILED}`;
      assert(message.includes(shown) || message.includes(early), message);
    }
  }
  driver.reset();
});

Deno.test("every call that takes memory says so when there is none", async () => {
  const driver = await freshDriver();
  for (const name of ["cuMemAlloc_v2", "cuMemAddressReserve", "cuMemCreate"]) {
    const message = await failing(driver, name, 1, OUT_OF_MEMORY);
    assert(/^Cannot \w+.* buffer "\w+": cuMem\w+: CUDA_ERROR_OUT_OF_MEMORY/.test(message), message);
    assert(/: [\d.]+ \w+ asked, 8.0 GiB of 8.0 GiB free$/.test(message), message);
  }
  driver.reset();
});

Deno.test("what a GPU or its driver may lack is said with both versions and a way out", async () => {
  const cases: readonly [GpuProperty, number, string, string][] = [
    [
      ...["version", 12080, "its driver runs CUDA 12.8, and emulator 13.0 compiles for"] as const,
      "install a driver for CUDA 13.0 or newer",
    ],
    ["version", 12080, "its driver runs CUDA 12.8", "put an nvcc of CUDA 12 on the PATH"],
    ["devices", 0, "NVIDIA's driver is there and sees none", "nvidia-smi"],
    ["major", 7, "its compute capability is 7.0, and kernels need 8.0 or newer", "--device webgpu"],
    ["maps_memory", 0, "its driver cannot map memory", "--device cpu"],
  ];
  for (const [property, value, message, hint] of cases) {
    const driver = await freshDriver();
    driver.set(property, value);
    const error = await assertRejects(() => openEmulatedCuda(), KerfError, message);
    assert(error.hints.some((line: string) => line.startsWith(hint)), error.hints.join());
    assertEquals(driver.leaks(), []);
    driver.reset();
  }
});

Deno.test("a driver that lacks functions is refused, whatever compiles", async () => {
  const driver = await freshDriver();
  driver.set("version", 11080);
  const toolchain = { kind: "nvcc", version: "V11.8.89" } as const;
  const error = assertThrows(() => openContext(driver.path, toolchain), KerfError);
  assertEquals(
    error.message,
    "Cannot open a GPU: its driver runs CUDA 11.8, and Kerf calls functions of CUDA 12.0 and newer",
  );
  assertEquals(error.hints, [
    "install a driver for CUDA 12.0 or newer: https://www.nvidia.com/drivers",
    "--device cpu",
  ]);
  driver.reset();
});

Deno.test("KERF_CUDA has one value, and a bad one is refused", async () => {
  const code = `
    import { openDevice } from ${JSON.stringify(projectUrl("src/device/mod.ts"))};
    try {
      const device = await openDevice({ kind: "cuda" });
      console.log(device.name);
      device.close();
    } catch (error) {
      console.log(error.render());
    }`;
  const run = async (value: string) => (await runChild(code, { env: { KERF_CUDA: value } })).stdout;
  assertEquals(await run("emulated"), "cuda (emulated GPU, sm_80)\n");
  const refused = await run("emulate");
  assert(refused.startsWith('error: Cannot open a GPU: KERF_CUDA is "emulate", which'), refused);
  assert(refused.includes("hint: KERF_CUDA=emulated"), refused);
});
