/** The device as the engine sees it, on the emulated driver: memory, order, graphs, time, refusals. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { testFolder } from "../../model/testing_files.ts";
import { KerfError } from "../../core/error.ts";
import type { Device, Invocation } from "../types.ts";
import type { EmulatedDriver } from "./emulator/emulated_driver.ts";
import { withEmulatedCuda } from "./testing.ts";
import { count, echo, header, mix, mixed, stray, words } from "./toy_testing.ts";

const iota = (n: number, from = 0) => Uint32Array.from({ length: n }, (_, i) => from + i);
const callsOf = (driver: EmulatedDriver, name: string) =>
  driver.calls().filter((call) => call.name === name);

Deno.test("the device says that it is emulated, and what it is", () =>
  withEmulatedCuda((device) => {
    assertEquals(device.name, "cuda (emulated GPU, sm_80)");
    assertEquals([device.kind, device.target], ["cuda", "cuda"]);
  }));

Deno.test("memory is zeroed, written, copied, read and freed", () =>
  withEmulatedCuda(async (device, driver) => {
    const before = driver.usedBytes();
    const buffer = device.allocate(64, "b");
    const empty = device.allocate(0, "empty");
    assertEquals(await words(device, buffer), new Uint32Array(16));
    device.write(buffer, iota(4, 7), 8);
    device.copy(buffer, { from: 8, to: 40, bytes: 12 });
    // The data was taken over: changing it now changes nothing.
    const data = Uint32Array.of(1, 2);
    device.write(buffer, data, 56);
    data.fill(99);
    assertEquals([...await words(device, buffer)], [
      ...[0, 0, 7, 8, 9, 10, 0, 0, 0, 0, 7, 8, 9, 0, 1, 2],
    ]);
    assertEquals(await words(device, empty), new Uint32Array());
    device.free(buffer);
    device.free(empty);
    assertEquals(driver.usedBytes(), before);
    await assertRejects(() => device.read(buffer, 0, 4), TypeError, 'buffer "b": it was freed');
  }));

Deno.test("ranges outside a buffer are refused before the driver sees them", () =>
  withEmulatedCuda(async (device) => {
    const buffer = device.allocate(16, "b");
    const range = 'bytes 8 to 24 of buffer "b": it has 16';
    assertThrows(() => device.write(buffer, iota(4), 8), RangeError, range);
    assertThrows(() => device.copy(buffer, { from: 0, to: 8, bytes: 16 }), RangeError, range);
    await assertRejects(() => device.read(buffer, 8, 16), RangeError, range);
    assertThrows(() => device.commit(buffer, 0, 4), TypeError, "it was not reserved");
    assertThrows(() => device.allocate(-1, "c"), RangeError, "-1 is no number of bytes");
  }));

const MIB = 1 << 20;

Deno.test("a reserved buffer takes memory in chunks of 2 MiB and gives it back", () =>
  withEmulatedCuda(async (device, driver) => {
    const before = driver.usedBytes();
    const held = () => (driver.usedBytes() - before) / MIB;
    // More than the GPU has.
    const buffer = device.reserve(64 * 1024 * MIB, "arena");
    assertEquals(held(), 0);
    device.commit(buffer, 3 * MIB, 64);
    assertEquals(held(), 2);
    assertEquals(await words(device, buffer, 3 * MIB, 64), new Uint32Array(16));
    device.write(buffer, iota(16), 3 * MIB);
    device.commit(buffer, 3 * MIB - 128, 3 * MIB);
    assertEquals(held(), 4);
    assertEquals(
      await words(device, buffer, 3 * MIB, 64),
      iota(16),
      "committing twice keeps bytes",
    );
    // Only some blocks of both chunks go: both stay.
    device.discard(buffer, 3 * MIB, MIB + 4096);
    assertEquals(held(), 4);
    device.discard(buffer, 4 * MIB, 2 * MIB);
    assertEquals(held(), 2, "the second chunk has no block in use");
    assertThrows(() => device.write(buffer, iota(1), 5 * MIB), RangeError, "are not committed");
    device.commit(buffer, 5 * MIB, 4);
    assertEquals(await words(device, buffer, 5 * MIB, 4), new Uint32Array(1), "zeros again");
    device.discard(buffer, 0, buffer.bytes);
    assertEquals(held(), 0);
    device.commit(buffer, buffer.bytes - 4, 4);
    device.free(buffer);
    assertEquals(held(), 0);
  }));

Deno.test("memory is given back only when the work that may touch it is done", () =>
  withEmulatedCuda(async (device, driver) => {
    const [kernel] = await device.compile([mix]);
    const [x, y] = [device.reserve(2 * MIB, "x"), device.allocate(4000, "y")];
    device.commit(x, 0, 4000);
    device.write(x, iota(1000));
    const buffers = { x: { buffer: x }, y: { buffer: y } };
    const constants = { shift: 3 };
    const program = device.prepare([{ kernel: kernel!, label: "mix", buffers, constants }]);
    await device.run(program, header(1000));
    device.discard(x, 0, x.bytes);
    const [last] = driver.calls().filter((c) => c.name === "cuStreamSynchronize").slice(-1);
    assert(!last!.given.endsWith("=0"), "it waited while work was queued");
    assertEquals(await words(device, y), mixed(iota(1000), 3));
  }));

Deno.test("no memory: how much was asked, how much there is, which flags to lower", () =>
  withEmulatedCuda((device) => {
    const error = assertThrows(() => device.allocate(128 * MIB, "weights"), KerfError);
    assertEquals(
      error.message,
      'Cannot allocate buffer "weights": cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY (out of memory): ' +
        "128.0 MiB asked, 64.0 MiB of 64.0 MiB free",
    );
    for (const flag of ["-c ", "--kv-max ", "-ub "]) {
      assert(error.hints.some((hint: string) => hint.includes(flag)), flag);
    }
    const arena = device.reserve(128 * MIB, "arena");
    device.commit(arena, 0, 4);
    const refused = assertThrows(() => device.commit(arena, 0, 128 * MIB), KerfError);
    assert(refused.message.startsWith('Cannot commit buffer "arena": cuMemCreate: CUDA_ERROR_OUT'));
    // What the refused commit had taken is free again.
    device.commit(device.reserve(60 * MIB, "other"), 0, 60 * MIB);
  }, (driver) => driver.set("memory", 64 * MIB)));

Deno.test("a file's range is read and cannot be written", () =>
  withEmulatedCuda(async (device) => {
    await using folder = await testFolder();
    const path = await folder.write("data", Uint8Array.from({ length: 100 }, (_, i) => i));
    const buffer = await device.readFile({ path, offset: 10, bytes: 33 }, "weights");
    const bytes = await device.read(buffer, 0, 33);
    assertEquals([...bytes], Array.from({ length: 33 }, (_, i) => 10 + i));
    assertThrows(() => device.write(buffer, iota(1)), TypeError, "it is a file's");
    const part = device.allocate(40, "part");
    await device.readInto(part, { path, offset: 10, bytes: 33 }, 4);
    assertEquals(await device.read(part, 4, 33), bytes);
    await assertRejects(() => device.readInto(part, { path, offset: 0, bytes: 41 }), RangeError);
    await assertRejects(
      () => device.readFile({ path, offset: 90, bytes: 33 }, "weights"),
      KerfError,
      "it ends too early",
    );
    await assertRejects(
      () => device.readFile({ path: `${path}.none`, offset: 0, bytes: 1 }, "weights"),
      KerfError,
      "Cannot read",
    );
  }));

Deno.test("arguments and the step's header arrive as they are given", () =>
  withEmulatedCuda(async (device) => {
    const [kernel] = await device.compile([echo]);
    const y = device.allocate(256 + 36, "y");
    const buffers = { y: { buffer: y, offset: 256 } };
    const constants = { a: 4294967295, b: -5, c: 0.1 };
    const program = device.prepare([{ kernel: kernel!, label: "echo", buffers, constants }]);
    const step = header(1, 2, 3, 4, 5, 6);
    const read = { buffer: y, offset: 256, bytes: 36 };
    const out = await device.run(program, step, read);
    const view = new DataView(out.buffer);
    assertEquals(view.getUint32(0, true), 4294967295);
    assertEquals(view.getInt32(4, true), -5);
    assertEquals(view.getFloat32(8, true), Math.fround(0.1));
    assertEquals([...new Uint32Array(out.buffer as ArrayBuffer, 12, 6)], [1, 2, 3, 4, 5, 6]);
  }));

/** `depth` mixes of `n` values back and forth between two buffers, some pairs of them side by side. */
async function chain(device: Device, n: number, depth: number, runs: number): Promise<void> {
  const [kernel] = await device.compile([mix]);
  const buffers = ["a", "b", "side"].map((label) => device.allocate(4 * n, label));
  const [a, b, side] = buffers as [typeof buffers[0], typeof buffers[0], typeof buffers[0]];
  const invocation = (from: typeof a, to: typeof a, shift: number): Invocation => ({
    kernel: kernel!,
    label: `mix ${shift}`,
    buffers: { x: { buffer: from! }, y: { buffer: to! } },
    constants: { shift },
  });
  const invocations = Array.from({ length: depth }, (_, k) => {
    const [from, to] = k % 2 ? [b, a] : [a, b];
    // Neither reads what the other writes: they may run in any order, and what follows waits for both.
    return [{ ...invocation(from, side, 1), barrier: false }, invocation(from, to, 7 * k + 1)];
  }).flat();
  const program = device.prepare([...invocations, invocation(side, depth % 2 ? a : b, 2)]);
  let expected = iota(n);
  device.write(a!, expected);
  for (let run = 0; run < runs; run++) {
    let other = expected;
    for (let k = 0; k < depth; k++) {
      other = mixed(expected, 1);
      expected = mixed(expected, 7 * k + 1);
    }
    await device.run(program, header(n));
    assertEquals(await words(device, depth % 2 ? b! : a!), expected, `run ${run}`);
    assertEquals(await words(device, depth % 2 ? a! : b!), mixed(other, 2), `side, run ${run}`);
    // The next run starts where this one ended.
    if (depth % 2) device.write(a!, expected);
  }
  for (const buffer of buffers) device.free(buffer);
}

Deno.test("dependent invocations keep their order, launched one by one and as a graph", () =>
  withEmulatedCuda(async (device, driver) => {
    for (const [n, depth] of [[1, 5], [63, 4], [1000, 7]] as const) {
      await chain(device, n, depth, 4);
    }
    assertEquals(callsOf(driver, "cuGraphLaunch").length, 9, "all runs but the first of each");
    assertEquals(callsOf(driver, "cuGraphInstantiateWithFlags").length, 3);
    assertEquals(callsOf(driver, "cuLaunchKernel").length, 11 + 9 + 15);
    const blocks = callsOf(driver, "cuLaunchKernel").map(({ given }) =>
      /grid=(\d+)/.exec(given)![1]
    );
    // Three multiprocessors with two blocks each: kernels loop over the rest.
    assertEquals([...new Set(blocks)], ["1", "6"]);
  }));

Deno.test("steps of about one size share a graph, and an empty grid is no launch", () =>
  withEmulatedCuda(async (device, driver) => {
    const [kernel] = await device.compile([count]);
    const y = device.allocate(4, "y");
    const at = (rows_field: number): Invocation => ({
      kernel: kernel!,
      label: `count ${rows_field}`,
      buffers: { y: { buffer: y } },
      constants: { rows_field },
    });
    const program = device.prepare([at(0), at(1), at(2)]);
    let expected = 0;
    // nSeqs is 0: the second invocation has nothing to do.
    for (const nRows of [5, 8, 7, 6, 9, 12, 16]) {
      await device.run(program, header(nRows, 0, 1));
      expected += nRows + 1;
    }
    assertEquals([...await words(device, y)], [expected]);
    assertEquals(callsOf(driver, "cuLaunchKernel").length, 2 * 2);
    assertEquals(callsOf(driver, "cuGraphAddKernelNode_v2").length, 2 * 2);
    assertEquals(callsOf(driver, "cuGraphLaunch").length, 5);
  }));

Deno.test("a program's time is measured between two events", () =>
  withEmulatedCuda(async (device, driver) => {
    const [kernel] = await device.compile([count]);
    const y = device.allocate(4, "y");
    const invocation = {
      ...{ kernel: kernel!, label: "count" },
      ...{ buffers: { y: { buffer: y } }, constants: { rows_field: 0 } },
    };
    const program = device.prepare([invocation]);
    const ms = await device.elapsedMs(program, header(1), 5);
    assert(ms > 0 && ms < 60_000, `${ms}`);
    assertEquals([...await words(device, y)], [7], "two to warm up, five measured");
    assertEquals(callsOf(driver, "cuEventDestroy_v2").length, 2);
  }));

Deno.test("prepare names kernel, label and what is wrong", () =>
  withEmulatedCuda(async (device) => {
    const [kernel, gridded] = await device.compile([mix, count]);
    const x = device.allocate(64, "x");
    const slice = { buffer: x };
    const good = { kernel: kernel!, label: "layer 3", buffers: { x: slice, y: slice } };
    const fails = (invocation: Partial<Invocation>, message: string) =>
      assertThrows(
        () => device.prepare([{ ...good, constants: { shift: 0 }, ...invocation }]),
        TypeError,
        message,
      );
    const at = 'Cannot prepare kernel "mix" for "layer 3": ';
    fails({ buffers: { x: slice } }, `${at}buffer "y" is missing`);
    fails({ constants: {} }, `${at}constant "shift" is missing`);
    fails({ kernel: { entry: mix.entry } }, `${at}it was not compiled here`);
    const counting = { kernel: gridded!, buffers: { y: slice } };
    fails({ ...counting, constants: { rows_field: 9 } }, "9, which is no field of the step");
  }));

Deno.test("a kernel that strays is told of, and the device still closes", async () => {
  await withEmulatedCuda(async (device) => {
    const [kernel] = await device.compile([stray]);
    const [x, y] = [device.allocate(64, "x"), device.allocate(4, "y")];
    const buffers = { x: { buffer: x }, y: { buffer: y } };
    const invocation = { kernel: kernel!, label: "stray", buffers, constants: {} };
    const program = device.prepare([invocation]);
    await device.run(program, header());
    const error = await assertRejects(() => device.read(y, 0, 4), KerfError);
    const start = "Cannot go on with the GPU: cuStreamQuery: CUDA_ERROR_ILLEGAL_ADDRESS (";
    assert(error.message.startsWith(start), error.message);
    assert(/ encountered: stray: read of 4 bytes/.test(error.message), error.message);
    assertThrows(() => device.write(x, iota(1)), KerfError, "CUDA_ERROR_ILLEGAL_ADDRESS");
  });
});

Deno.test("a closed device refuses, also what was waiting", async () => {
  await withEmulatedCuda(async (device) => {
    const buffer = device.allocate(4, "b");
    const waiting = device.read(buffer, 0, 4);
    device.close();
    device.close();
    await assertRejects(() => waiting, TypeError, "it is closed");
    assertThrows(() => device.allocate(4, "c"), TypeError, "it is closed");
    await assertRejects(() => device.compile([mix]), TypeError, "it is closed");
  });
});
