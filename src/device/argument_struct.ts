/**
 * An invocation's arguments as the struct that kernels in C and CUDA take: an address per binding, then
 * four bytes per constant. Every name and value is checked here, once; running a program checks nothing
 * more.
 */

import { argumentOffsets } from "../core/signature.ts";
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

/** @throws {TypeError} always, naming kernel and label */
export function failToPrepare({ kernel, label }: Invocation, reason: string): never {
  throw new TypeError(
    `Cannot prepare kernel "${kernel.entry.signature.name}" for "${label}": ${reason}`,
  );
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
  for (const [i, binding] of signature.bindings.entries()) {
    const slice = bound(invocation, binding.name, sources.step);
    if (binding.access !== "read" && sources.isReadOnly(slice.buffer)) {
      failToPrepare(invocation, `it writes buffer "${binding.name}", which is a file's`);
    }
    view.setBigUint64(bindings[i]!, sources.address(slice), true);
  }
  for (const [i, { name, dtype }] of signature.constants.entries()) {
    const value = invocation.constants[name];
    if (value === undefined) failToPrepare(invocation, `constant "${name}" is missing`);
    const at = constants[i]!;
    if (dtype === "f32") {
      view.setFloat32(at, value, true);
    } else {
      const wrapped = dtype === "u32" ? value >>> 0 : value | 0;
      if (wrapped !== value) {
        failToPrepare(invocation, `constant "${name}" is ${value}, which is no ${dtype}`);
      }
      dtype === "u32" ? view.setUint32(at, value, true) : view.setInt32(at, value, true);
    }
  }
  unknownName(invocation, "buffer", invocation.buffers, signature.bindings);
  unknownName(invocation, "constant", invocation.constants, signature.constants);
}

function bound(invocation: Invocation, name: string, step: BufferSlice): BufferSlice {
  const slice = invocation.buffers[name];
  if (name === "step") {
    if (slice) failToPrepare(invocation, 'buffer "step" is the device\'s own: leave it out');
    return step;
  }
  return slice ?? failToPrepare(invocation, `buffer "${name}" is missing`);
}

function unknownName(
  invocation: Invocation,
  what: string,
  given: Readonly<Record<string, unknown>>,
  known: readonly { readonly name: string }[],
): void {
  const unknown = Object.keys(given).find((name) => !known.some((k) => k.name === name));
  if (unknown !== undefined) failToPrepare(invocation, `it has no ${what} "${unknown}"`);
}
