import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { formatBytes } from "../../core/bytes.ts";
import { KerfError } from "../../core/error.ts";
import { OutOfMemory, SMALLER } from "../out_of_memory.ts";
import type { FileRange } from "../types.ts";
import { testDevice } from "../testing.ts";
import { mix } from "./toy_testing.ts";

const MIB = 1 << 20;

Deno.test("memory is zero at first and holds what is written, views included", async () => {
  const device = await testDevice();
  const buffer = device.allocate(1000, "x");
  assertEquals(await device.read(buffer, 0, 1000), new Uint8Array(1000));
  device.write(buffer, new Uint16Array([1, 2, 3, 4]).subarray(1, 3), 10);
  device.write(buffer, new DataView(new Uint8Array([9, 8, 7]).buffer, 1), 998);
  const out = await device.read(buffer, 8, 8);
  assertEquals([...out], [0, 0, 2, 0, 3, 0, 0, 0]);
  assertEquals([...await device.read(buffer, 996, 4)], [0, 0, 8, 7]);
  device.copy(buffer, { from: 8, to: 100, bytes: 8 });
  assertEquals([...await device.read(buffer, 98, 12)], [0, 0, ...out, 0, 0]);
  device.free(buffer);
});

Deno.test("an empty buffer is a buffer", async () => {
  const device = await testDevice();
  const buffer = device.allocate(0, "empty");
  device.write(buffer, new Uint8Array(0));
  assertEquals(await device.read(buffer, 0, 0), new Uint8Array(0));
  assertThrows(() => device.write(buffer, new Uint8Array(1)), RangeError);
  device.free(buffer);
});

Deno.test("ranges outside a buffer, and freed buffers, are refused", async () => {
  const device = await testDevice();
  const buffer = device.allocate(16, "small");
  const data = new Uint8Array(8);
  assertThrows(() => device.write(buffer, data, 9), RangeError, 'bytes 9 to 17 of buffer "small"');
  assertThrows(() => device.write(buffer, data, -1), RangeError);
  assertThrows(() => device.copy(buffer, { from: 8, to: 12, bytes: 5 }), RangeError);
  assertThrows(() => device.copy(buffer, { from: 12, to: 0, bytes: 5 }), RangeError);
  assertThrows(() => device.write(buffer, data, NaN), RangeError);
  await assertRejects(() => device.read(buffer, 16, 1), RangeError);
  await assertRejects(() => device.read(buffer, 0, -1), RangeError);
  device.free(buffer);
  assertThrows(() => device.write(buffer, data), TypeError, "freed");
  assertThrows(() => device.free(buffer), TypeError, "freed");
});

Deno.test("an allocation that cannot be says how much was asked, and how much there is", async () => {
  const device = await testDevice();
  const error = assertThrows(
    () => device.allocate(2 ** 52, "weights"),
    OutOfMemory,
    'Cannot allocate buffer "weights": no memory: 4.0 PiB asked, ',
  );
  const { available, total } = Deno.systemMemoryInfo();
  const [, free, unit, all] = /asked, ([\d.]+) (\wiB) of (.+) free$/.exec(error.message)!;
  assertEquals(all, formatBytes(total));
  const freeBytes = Number(free) * 1024 ** (1 + ["KiB", "MiB", "GiB", "TiB"].indexOf(unit!));
  // Other programs take and give back meanwhile.
  assert(Math.abs(freeBytes - available) < total / 4, `${error.message}, not ${available}`);
  assertEquals(error.hints, SMALLER);
  for (const bytes of [-1, 0.5, NaN, 2 ** 60]) {
    assertThrows(() => device.allocate(bytes, "x"), RangeError, "is no number of bytes");
  }
});

Deno.test("a reservation takes memory as it fills, and discarding gives it back", async () => {
  const device = await testDevice();
  const rss = () => Deno.memoryUsage().rss;
  const before = rss();
  const buffer = device.reserve(64 * 1024 * MIB, "arena");
  // Other work in the process moves the figure; 16 MiB is far above that and far below 128 MiB.
  const slack = 16 * MIB;
  assert(rss() - before < slack, "reserving took memory");
  const ones = new Uint8Array(MIB).fill(1);
  const withOnes = rss();
  for (let i = 0; i < 128; i++) device.write(buffer, ones, i * MIB);
  const full = rss();
  assert(full - withOnes > 128 * MIB - slack, "writing took no memory");
  device.discard(buffer, 100, 127 * MIB);
  assert(full - rss() > 127 * MIB - slack, "discarding gave nothing back");
  // Bytes outside the range stay; whole pages inside it are zero.
  assertEquals([...await device.read(buffer, 99, 1)], [1]);
  assertEquals([...await device.read(buffer, 127 * MIB + 100, 1)], [1]);
  assertEquals(await device.read(buffer, 64 * MIB, MIB), new Uint8Array(MIB));
  device.free(buffer);
  assert(rss() - withOnes < slack, "freeing kept memory");
});

Deno.test("a settled reservation keeps its bytes, and discarding still gives back what it names", async () => {
  const device = await testDevice();
  const rss = () => Deno.memoryUsage().rss;
  const slack = 8 * MIB;
  const buffer = device.reserve(68 * MIB, "arena");
  device.commit(buffer, 0, 64 * MIB);
  const page = (i: number) => new Uint8Array(4096).fill(i % 251);
  const nPages = 64 * MIB / 4096;
  for (let i = 0; i < nPages; i++) device.write(buffer, page(i), i * 4096);
  const written = rss();
  device.settle(buffer);
  assert(rss() - written < slack, "settling took memory");
  // Three of four pages everywhere, so that no block stays whole.
  for (let i = 0; i < nPages; i += 4) device.discard(buffer, i * 4096, 3 * 4096);
  assert(written - rss() > 48 * MIB - slack, "discarding gave nothing back");
  for (let i = 0; i < nPages; i += 61) {
    const expected = i % 4 === 3 ? page(i) : new Uint8Array(4096);
    assertEquals(await device.read(buffer, i * 4096, 4096), expected);
  }
  device.free(buffer);
});

Deno.test("a discard inside one page changes nothing, and allocations are not discarded", async () => {
  const device = await testDevice();
  const buffer = device.reserve(8192, "arena");
  device.write(buffer, new Uint8Array(8192).fill(3));
  device.discard(buffer, 10, 100);
  assertEquals(await device.read(buffer, 0, 8192), new Uint8Array(8192).fill(3));
  assertThrows(() => device.discard(buffer, 0, 8193), RangeError);
  assertThrows(() => device.commit(buffer, 8192, 1), RangeError);
  device.free(buffer);
  const plain = device.allocate(8192, "plain");
  assertThrows(() => device.discard(plain, 0, 4096), TypeError, "it was not reserved");
  assertThrows(() => device.commit(plain, 0, 4096), TypeError, "it was not reserved");
  device.free(plain);
});

Deno.test("a range of a file is a read-only buffer of its bytes", async () => {
  const device = await testDevice();
  const dir = await Deno.makeTempDir();
  const path = join(dir, "wéights.bin");
  const data = Uint8Array.from({ length: 10_001 }, (_, i) => i * 7);
  await Deno.writeFile(path, data);
  const file = await device.readFile({ path, offset: 0, bytes: 10_001 }, "model");
  assertEquals(file, { label: "model", bytes: 10_001 });
  assertEquals(await device.read(file, 0, 10_001), data);
  for (const [offset, bytes] of [[1, 10_000], [4095, 2], [4096, 5905], [10_000, 1]] as const) {
    const part = await device.readFile({ path, offset, bytes }, "part");
    assertEquals(await device.read(part, 0, bytes), data.subarray(offset, offset + bytes));
    device.free(part);
  }
  assertThrows(() => device.write(file, new Uint8Array(1)), TypeError, "it is a file's");
  const [kernel] = await device.compile([mix]);
  const buffers = { x: { buffer: file }, y: { buffer: file } };
  const invocation = { kernel: kernel!, label: "mix", buffers, constants: { shift: 0 } };
  assertThrows(
    () => device.prepare([invocation]),
    TypeError,
    'it writes buffer "y", which is a file',
  );
  device.free(file);
  await Deno.remove(dir, { recursive: true });
});

Deno.test("a range of a file is read into part of a buffer", async () => {
  const device = await testDevice();
  const dir = await Deno.makeTempDir();
  const path = join(dir, "weights.bin");
  const data = Uint8Array.from({ length: 10_001 }, (_, i) => i * 7);
  await Deno.writeFile(path, data);
  const buffer = device.allocate(5 * MIB, "weights");
  const end = 5 * MIB - 9_000;
  await Promise.all([
    device.readInto(buffer, { path, offset: 1001, bytes: 9_000 }, end),
    device.readInto(buffer, { path, offset: 3, bytes: 4096 }),
  ]);
  assertEquals(await device.read(buffer, end, 9_000), data.subarray(1001));
  assertEquals(await device.read(buffer, 0, 4096), data.subarray(3, 4099));
  assertEquals(await device.read(buffer, 4096, 64), new Uint8Array(64));
  const fails = (range: FileRange, reason: string) =>
    assertRejects(
      () => device.readInto(buffer, range),
      KerfError,
      `Cannot read "${range.path}": ${reason}`,
    );
  await fails({ path: join(dir, "missing"), offset: 0, bytes: 1 }, "No such file");
  await fails({ path: dir, offset: 0, bytes: 1 }, "Is a directory");
  await fails({ path, offset: 10_000, bytes: 2 }, "Invalid argument");
  const outside = { path, offset: 0, bytes: 10_001 };
  await assertRejects(() => device.readInto(buffer, outside, 5 * MIB - 1), RangeError);
  const file = await device.readFile(outside, "model");
  await assertRejects(() => device.readInto(file, outside), TypeError, "it is a file's");
  device.free(buffer);
  await Deno.remove(dir, { recursive: true });
});

Deno.test("a file that cannot be mapped is an error with the system's reason", async () => {
  const device = await testDevice();
  const dir = await Deno.makeTempDir();
  await Deno.writeFile(join(dir, "empty"), new Uint8Array(0));
  await Deno.writeFile(join(dir, "short"), new Uint8Array(8));
  const fails = (name: string, reason: string, bytes = 8) =>
    assertRejects(
      () => device.readFile({ path: join(dir, name), offset: 1, bytes }, "model"),
      KerfError,
      `Cannot map "${join(dir, name)}" into memory: ${reason}`,
    );
  await fails("missing", "No such file");
  await fails("", "Is a directory");
  await fails("empty", "Invalid argument");
  await fails("short", "Invalid argument");
  await fails("short", "Invalid argument", 0);
  await Deno.remove(dir, { recursive: true });
});
