/** Buffers on the adapter: what they hold while they move, what is refused, what memory is held. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { KerfError } from "../../core/error.ts";
import type { Device, DeviceBuffer } from "../types.ts";
import { openWebgpuDevice } from "./device.ts";
import { ignoreWithoutAdapter, testWebgpu } from "./testing.ts";
import { watchedGpu } from "./toy_testing.ts";

const ignore = await ignoreWithoutAdapter();
const gpuTest = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name: `webgpu: ${name}`, ignore, fn, sanitizeOps: false, sanitizeResources: false });

const ramp = (n: number, first = 0) => Uint8Array.from({ length: n }, (_, i) => first + i);

gpuTest("memory is zero at first and holds what is written, at any offset of a read", async () => {
  const device = await testWebgpu();
  const buffer = device.allocate(1003, "x");
  assertEquals(await device.read(buffer, 0, 1003), new Uint8Array(1003));
  device.write(buffer, ramp(16).subarray(4, 12), 8);
  assertEquals([...await device.read(buffer, 7, 5)], [0, 4, 5, 6, 7]);
  assertEquals(await device.read(buffer, 0, 0), new Uint8Array());
  const empty = device.allocate(0, "empty");
  assertEquals(await device.read(empty, 0, 0), new Uint8Array());
  device.free(buffer);
  device.free(empty);
});

gpuTest("ranges outside a buffer, odd ones and freed buffers are refused", async () => {
  const device = await testWebgpu();
  const buffer = device.allocate(16, "small");
  const data = new Uint8Array(8);
  assertThrows(
    () => device.write(buffer, data, 12),
    RangeError,
    'bytes 12 to 20 of buffer "small"',
  );
  assertThrows(() => device.write(buffer, data, 2), RangeError, "no multiples of 4");
  assertThrows(() => device.write(buffer, data, NaN), RangeError);
  await assertRejects(() => device.read(buffer, 0, -1), RangeError);
  assertThrows(() => device.commit(buffer, 0, 8), TypeError, "it was not reserved");
  device.free(buffer);
  assertThrows(() => device.write(buffer, data), TypeError, "freed");
  assertThrows(() => device.free(buffer), TypeError, "freed");
});

gpuTest("copies within a buffer, longer than the scratch", async () => {
  const device = await testWebgpu();
  const bytes = (1 << 20) + 64;
  const buffer = device.allocate(2 * bytes, "x");
  const data = Uint8Array.from({ length: bytes }, (_, i) => i * 31 >> 3);
  device.write(buffer, data);
  device.copy(buffer, { from: 0, to: bytes, bytes });
  assertEquals(await device.read(buffer, bytes, bytes), data);
  device.free(buffer);
});

/** What a reserved buffer must hold: bytes where it was written and not discarded since. */
class Shadow {
  readonly bytes = new Uint8Array(N);
  readonly known = new Uint8Array(N);
}
const N = 40_000;

async function assertShadow(device: Device, buffer: DeviceBuffer, shadow: Shadow) {
  const end = shadow.known.lastIndexOf(1) + 1;
  const got = await device.read(buffer, 0, end);
  for (let i = 0; i < end; i++) {
    if (shadow.known[i]) assertEquals(got[i], shadow.bytes[i], `byte ${i}`);
  }
}

gpuTest("a reserved buffer keeps what is committed while it grows, shrinks and moves", async () => {
  const device = await testWebgpu();
  const operation = fc.record({
    kind: fc.constantFrom("commit", "commit", "discard", "copy"),
    at: fc.nat(N / 4 - 1),
    words: fc.integer({ min: 1, max: 2500 }),
    value: fc.integer({ min: 1, max: 255 }),
  });
  const property = fc.asyncProperty(fc.array(operation, { maxLength: 12 }), async (operations) => {
    const buffer = device.reserve(N, "reserved");
    const shadow = new Shadow();
    for (const { kind, at, words, value } of operations) {
      const from = 4 * at;
      const bytes = Math.min(4 * words, N - from);
      const half = Math.floor(bytes / 8) * 4;
      if (kind === "discard") {
        device.discard(buffer, from, bytes);
        shadow.known.fill(0, from, from + bytes);
        continue;
      }
      device.commit(buffer, from, bytes);
      if (kind === "commit") {
        device.write(buffer, new Uint8Array(bytes).fill(value), from);
        shadow.bytes.fill(value, from, from + bytes);
        shadow.known.fill(1, from, from + bytes);
      } else if (half > 0) {
        device.copy(buffer, { from, to: from + half, bytes: half });
        shadow.bytes.copyWithin(from + half, from, from + half);
        shadow.known.copyWithin(from + half, from, from + half);
      }
    }
    await assertShadow(device, buffer, shadow);
    device.free(buffer);
  });
  await fc.assert(property, { seed: 11, numRuns: 40 });
});

gpuTest("reserved bytes that are not committed are nobody's", async () => {
  const device = await testWebgpu();
  const buffer = device.reserve(1 << 30, "reserved");
  await assertRejects(() => device.read(buffer, 0, 4), RangeError, "they are not committed");
  device.commit(buffer, 0, 4096);
  assertEquals(await device.read(buffer, 4092, 4), new Uint8Array(4));
  assertThrows(() => device.write(buffer, ramp(4), 1 << 20), RangeError, "not committed");
  device.discard(buffer, 0, 4096);
  await assertRejects(() => device.read(buffer, 0, 4), RangeError, "they are not committed");
  device.free(buffer);
});

gpuTest("a file's range is read as it is, and only read", async () => {
  const device = await testWebgpu();
  const path = await Deno.makeTempFile();
  const bytes = (5 << 20) + 7;
  await Deno.writeFile(path, Uint8Array.from({ length: bytes }, (_, i) => i * 7 >> 2));
  const buffer = await device.readFile({ path, offset: 3, bytes: bytes - 3 }, "file");
  assertEquals(await device.read(buffer, 0, bytes - 3), (await Deno.readFile(path)).subarray(3));
  assertThrows(() => device.write(buffer, ramp(4)), TypeError, "it is a file's");
  const part = device.allocate(72, "part");
  await device.readInto(part, { path, offset: 3, bytes: 63 }, 8);
  assertEquals(await device.read(part, 8, 63), (await Deno.readFile(path)).subarray(3, 66));
  assertEquals(await device.read(part, 0, 8), new Uint8Array(8));
  const outside = { path, offset: 3, bytes: 73 };
  await assertRejects(() => device.readInto(part, outside), RangeError);
  device.free(part);
  await assertRejects(
    () => device.readFile({ path, offset: 4, bytes }, "file"),
    KerfError,
    "it ends too early",
  );
  await Deno.remove(path);
  await assertRejects(() => device.readFile({ path, offset: 0, bytes: 4 }, "file"), KerfError);
  device.free(buffer);
});

gpuTest("limits are errors that name the buffer and what to type", async () => {
  const device = await openWebgpuDevice({ maxBufferBytes: 1 << 20, maxBindingBytes: 1 << 16 });
  assertEquals(device.maxBindingBytes, 1 << 16);
  const error = assertThrows(() => device.allocate((1 << 20) + 4, "logits"), KerfError);
  assert(error.message.includes('1.0 MiB for buffer "logits": this adapter has no'), error.message);
  const buffer = device.reserve(1 << 20, "arena");
  device.commit(buffer, 0, 1 << 16);
  const bound = assertThrows(() => device.commit(buffer, 1 << 16, 4), KerfError, "binds at most");
  assert(bound.hints.join().includes("-c 2048"), bound.hints.join());
  device.close();
});

gpuTest("no memory left: what was asked, what is held, what to type; and it stays", async () => {
  const gpu = await watchedGpu();
  const device = await openWebgpuDevice({ gpu });
  device.allocate(3 << 20, "weights");
  // What was made for a file that cannot be read is held no more.
  const none = { path: "/no/such/file", offset: 0, bytes: 2 << 20 };
  await assertRejects(() => device.readFile(none, "file"), KerfError, "Cannot read");
  gpu.counts.exhausted = true;
  const buffer = device.allocate(1 << 20, "logits");
  gpu.counts.exhausted = false;
  const text =
    'Cannot allocate buffer "logits": the device has no 1.0 MiB left, beside 3.0 MiB that are held';
  const error = await assertRejects(() => device.compile([]), KerfError, text);
  assert(error.hints.join().includes("-c 2048"), error.hints.join());
  await assertRejects(() => device.read(buffer, 0, 4), KerfError, text);
  assertThrows(() => device.allocate(4, "more"), KerfError, text);
  device.close();
});
