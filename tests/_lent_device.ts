/**
 * One device behind many models: what it has compiled serves them all. Closing a model frees what it
 * allocated, and leaves the device open.
 */

import type { Device, DeviceBuffer } from "../src/device/types.ts";

/** What `openDevice` of one model may be. */
export function lend(device: Device): () => Promise<Device> {
  const owned = new Set<DeviceBuffer>();
  const own = (buffer: DeviceBuffer) => {
    owned.add(buffer);
    return buffer;
  };
  return () =>
    Promise.resolve({
      ...device,
      allocate: (bytes, label) => own(device.allocate(bytes, label)),
      reserve: (bytes, label) => own(device.reserve(bytes, label)),
      readFile: async (range, label) => own(await device.readFile(range, label)),
      free: (buffer) => {
        owned.delete(buffer);
        device.free(buffer);
      },
      close: () => {
        for (const buffer of owned) device.free(buffer);
        owned.clear();
      },
    });
}
