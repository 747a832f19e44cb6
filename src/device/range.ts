/** Sizes and ranges of buffers, checked alike on every device, before anything beyond JavaScript sees them. */

import type { DeviceBuffer } from "./types.ts";

/** @throws {RangeError} no buffer has so many bytes */
export function checkSize(bytes: number, label: string): void {
  if (Number.isSafeInteger(bytes) && bytes >= 0) return;
  throw new RangeError(`Cannot allocate buffer "${label}": ${bytes} is no number of bytes`);
}

/**
 * @returns where the range ends
 * @throws {RangeError} it is no range of the buffer
 */
export function checkRange(buffer: DeviceBuffer, offset: number, bytes: number): number {
  const end = offset + bytes;
  const whole = Number.isSafeInteger(offset) && Number.isSafeInteger(end);
  if (whole && offset >= 0 && bytes >= 0 && end <= buffer.bytes) return end;
  throw new RangeError(
    `Cannot use bytes ${offset} to ${end} of buffer "${buffer.label}": it has ${buffer.bytes}`,
  );
}
