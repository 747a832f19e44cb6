/** The constants of an invocation as the bytes of the struct `Params`: four bytes each, in order. */

import type { Signature } from "../../core/signature.ts";

/**
 * The bytes, padded to a multiple of 16.
 *
 * @throws {TypeError} a constant has no value
 */
export function packConstants(
  { name, constants }: Signature,
  values: Readonly<Record<string, number>>,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.ceil(constants.length / 4) * 16);
  const view = new DataView(bytes.buffer);
  constants.forEach((constant, i) => {
    const value = values[constant.name];
    if (value === undefined) {
      throw new TypeError(`Cannot run kernel "${name}": constant "${constant.name}" has no value`);
    }
    if (constant.dtype === "f32") view.setFloat32(4 * i, value, true);
    else if (constant.dtype === "i32") view.setInt32(4 * i, value, true);
    else view.setUint32(4 * i, value, true);
  });
  return bytes;
}
