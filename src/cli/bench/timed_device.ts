/** A device that says how long the invocations of its latest program took, while it is asked to. */

import type { Device } from "../../device/types.ts";

/** One step of the plan: its header, and how long each invocation took, in ns. */
export interface TimedStep {
  readonly header: Uint32Array;
  readonly times: Float64Array;
}

/** The device, and what its programs took. */
export interface TimedDevice {
  readonly device: Device;
  /** Runs what runs programs of the device, timed. @returns the last program's times */
  timed(run: () => Promise<unknown>): Promise<TimedStep>;
}

/** Wraps a device that has `runTimed`; outside {@linkcode TimedDevice.timed} it is as fast as that one. */
export function timedDevice(device: Device): TimedDevice {
  let isTimed = false;
  let last: TimedStep | undefined;
  return {
    device: {
      ...device,
      async run(program, header, read) {
        if (!isTimed) return await device.run(program, header, read);
        last = { header, times: await device.runTimed!(program, header) };
        return read ? await device.read(read.buffer, read.offset, read.bytes) : new Uint8Array();
      },
    },
    async timed(run) {
      isTimed = true;
      try {
        await run();
      } finally {
        isTimed = false;
      }
      return last!;
    },
  };
}
