/**
 * An invocation's arguments as the struct that kernels in C and CUDA take: an address per binding, then
 * four bytes per constant.
 */

import { argumentOffsets } from "../core/signature.ts";
import { checkInvocation } from "./check_invocation.ts";
import type { BufferSlice, DeviceBuffer, Invocation } from "./types.ts";

/** What the struct needs of a device. */
export interface ArgumentSources {
  /** The address of a slice. @throws {TypeError} the buffer is not the device's */
  readonly address: (slice: BufferSlice) => bigint;
  /** Whether kernels must not write to a buffer. */
  readonly isReadOnly: (buffer: DeviceBuffer) => boolean;
  /** Bound to `step` in every kernel that has it. */
  readonly step: BufferSlice;
}

/**
 * Writes the struct of an invocation's signature.
 *
 * @param view of `argumentOffsets(signature).bytes` bytes
 * @throws {TypeError} a name is missing or unknown, or a value does not fit
 */
export function writeArguments(
  view: DataView,
  invocation: Invocation,
  sources: ArgumentSources,
): void {
  const { signature } = invocation.kernel.entry;
  const { bindings, constants } = argumentOffsets(signature);
  checkInvocation(invocation, sources.isReadOnly).forEach((slice, i) =>
    view.setBigUint64(bindings[i]!, sources.address(slice ?? sources.step), true)
  );
  signature.constants.forEach(({ name, dtype }, i) => {
    const [at, value] = [constants[i]!, invocation.constants[name]!];
    if (dtype === "f32") view.setFloat32(at, value, true);
    else if (dtype === "u32") view.setUint32(at, value, true);
    else view.setInt32(at, value, true);
  });
}
