/**
 * The buffers of a device that live, and what each is underneath. Refuses alike on every device what was freed,
 * what is a file's and what was not reserved; ranges are range.ts's.
 */

import type { DeviceBuffer } from "./types.ts";

/** Buffers by their handle; `Memory` is a device's own. */
export class LiveBuffers<Memory extends { readonly isFile: boolean }> {
  readonly #memories = new Map<DeviceBuffer, Memory>();

  /** @returns the handle, frozen */
  add(buffer: DeviceBuffer, memory: Memory): DeviceBuffer {
    this.#memories.set(Object.freeze(buffer), memory);
    return buffer;
  }

  /** @throws {TypeError} the buffer was freed or is another device's */
  of(buffer: DeviceBuffer): Memory {
    const memory = this.#memories.get(buffer);
    if (memory !== undefined) return memory;
    throw new TypeError(
      `Cannot use buffer "${buffer.label}": it was freed or is not this device's`,
    );
  }

  /** The memory of a buffer that is not a file's. @throws {TypeError} it is, or the buffer does not live */
  writable(buffer: DeviceBuffer): Memory {
    const memory = this.of(buffer);
    if (!memory.isFile) return memory;
    throw new TypeError(`Cannot write to buffer "${buffer.label}": it is a file's`);
  }

  /** Forgets a buffer, whose memory is the caller's to free. */
  remove(buffer: DeviceBuffer): void {
    this.#memories.delete(buffer);
  }

  /** A copy: buffers may be freed while it is walked. */
  all(): DeviceBuffer[] {
    return [...this.#memories.keys()];
  }
}

/** Refuses to do `what` with part of a buffer, which has all of its memory. @throws {TypeError} always */
export function notReserved(what: string, { label }: DeviceBuffer): never {
  throw new TypeError(`Cannot ${what} part of buffer "${label}": it was not reserved`);
}
