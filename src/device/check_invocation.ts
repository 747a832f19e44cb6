/**
 * Whether an invocation gives a kernel exactly what its signature names. Every name and value is checked
 * here, once, for every device; running a program checks nothing more.
 */

import type { BufferSlice, DeviceBuffer, Invocation } from "./types.ts";

/** @throws {TypeError} always, naming kernel and label */
export function failToPrepare({ kernel, label }: Invocation, reason: string): never {
  throw new TypeError(
    `Cannot prepare kernel "${kernel.entry.signature.name}" for "${label}": ${reason}`,
  );
}

/**
 * Checks an invocation against its kernel's signature.
 *
 * @param isReadOnly whether kernels must not write to a buffer; throws where it is not the device's
 * @returns what it binds, in the signature's order; null for `step`, which is the device's own
 * @throws {TypeError} a name is missing or unknown, a value does not fit, or a file's buffer is written
 */
export function checkInvocation(
  invocation: Invocation,
  isReadOnly: (buffer: DeviceBuffer) => boolean,
): readonly (BufferSlice | null)[] {
  const { bindings, constants } = invocation.kernel.entry.signature;
  if ("step" in invocation.buffers) {
    failToPrepare(invocation, 'buffer "step" is the device\'s own: leave it out');
  }
  const slices = bindings.map(({ name, access }) => {
    if (name === "step") return null;
    const slice = invocation.buffers[name];
    if (slice === undefined) failToPrepare(invocation, `buffer "${name}" is missing`);
    if (isReadOnly(slice.buffer) && access !== "read") {
      failToPrepare(invocation, `it writes buffer "${name}", which is a file's`);
    }
    return slice;
  });
  for (const { name, dtype } of constants) {
    const value = invocation.constants[name];
    if (value === undefined) failToPrepare(invocation, `constant "${name}" is missing`);
    const isWhole = dtype === "u32" ? value >>> 0 === value : (value | 0) === value;
    if (dtype !== "f32" && !isWhole) {
      failToPrepare(invocation, `constant "${name}" is ${value}, which is no ${dtype}`);
    }
  }
  refuseUnknown(invocation, "buffer", bindings);
  refuseUnknown(invocation, "constant", constants);
  return slices;
}

function refuseUnknown(
  invocation: Invocation,
  what: "buffer" | "constant",
  known: readonly { readonly name: string }[],
): void {
  const given = Object.keys(invocation[`${what}s`]);
  const unknown = given.find((name) => !known.some((k) => k.name === name));
  if (unknown !== undefined) failToPrepare(invocation, `it has no ${what} "${unknown}"`);
}
