/**
 * For tests of what the host does: a device whose memory is plain arrays and which runs nothing.
 */

import type { Device, DeviceBuffer } from "../device/types.ts";

/** A fake device, and what was asked of it. */
export interface FakeDevice extends Device {
  /** Contents of a buffer. */
  bytesOf(buffer: DeviceBuffer): Uint8Array<ArrayBuffer>;
  /** Ranges discarded, in order. */
  readonly discarded: { readonly label: string; readonly offset: number; readonly bytes: number }[];
}

/** Makes a fake device. Compiling and running throw: a test that needs them needs a real one. */
export function fakeDevice(): FakeDevice {
  const memory = new Map<DeviceBuffer, Uint8Array<ArrayBuffer>>();
  const discarded: { label: string; offset: number; bytes: number }[] = [];
  const bytesOf = (buffer: DeviceBuffer) => {
    const bytes = memory.get(buffer);
    if (bytes) return bytes;
    throw new RangeError(`buffer "${buffer.label}" is not live`);
  };
  const allocate = (bytes: number, label: string) => {
    const buffer = { label, bytes };
    memory.set(buffer, new Uint8Array(bytes));
    return buffer;
  };
  const unavailable = (what: string) => () => {
    throw new TypeError(`a fake device does not ${what}`);
  };
  return {
    name: "fake",
    kind: "cpu",
    target: "c",
    maxBindingBytes: Infinity,
    bytesOf,
    discarded,
    allocate,
    reserve: allocate,
    commit: bytesOf,
    discard(buffer, offset, bytes) {
      bytesOf(buffer).fill(0xdd, offset, offset + bytes);
      discarded.push({ label: buffer.label, offset, bytes });
    },
    settle: bytesOf,
    free(buffer) {
      bytesOf(buffer);
      memory.delete(buffer);
    },
    write(buffer, data, offset = 0) {
      bytesOf(buffer).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    },
    copy(buffer, { from, to, bytes }) {
      if (Math.abs(to - from) < bytes) throw new RangeError("ranges of a copy overlap");
      bytesOf(buffer).copyWithin(to, from, from + bytes);
    },
    // deno-lint-ignore require-await -- real devices have to wait
    read: async (buffer, offset, bytes) => bytesOf(buffer).slice(offset, offset + bytes),
    readFile: unavailable("read files"),
    readInto: unavailable("read files"),
    compile: unavailable("compile"),
    prepare: unavailable("prepare"),
    run: unavailable("run"),
    close: () => memory.clear(),
  };
}
