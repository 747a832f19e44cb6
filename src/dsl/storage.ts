/**
 * Storage types: how a block of a GGUF tensor's bytes becomes values. Three small functions give a
 * value's code, scale and offset; the pack kernel prints them, and a plain loop over them is the
 * dequantiser that tests hold to other implementations.
 */

import type { PackingName } from "../core/packing.ts";
import type { StorageName } from "../core/storage.ts";
import { bytes, scalar } from "./types.ts";
import type { Bytes, Definition, f32, i32 } from "./types.ts";

/** What an author writes. `b` is the block's bytes, `i` the value's index in the block. */
export interface StorageSpec {
  readonly name: StorageName;
  readonly source?: string;
  /** The packed order the values go to. */
  readonly packing: PackingName;
  /** value = scale · code + offset. For plain types: the value itself, as the packing's bits. */
  readonly code: (b: Bytes, i: i32) => i32;
  readonly scale?: (b: Bytes, i: i32) => f32;
  readonly offset?: (b: Bytes, i: i32) => f32;
}

/** A declared storage type. */
export interface Storage extends Definition {
  readonly kind: "storage";
  readonly name: StorageName;
  readonly packing: PackingName;
}

/** Declares a storage type; a file in kernels/storage/ exports one as its default. */
export function storage(spec: StorageSpec): Storage {
  if ((spec.scale === undefined) !== (spec.offset === undefined)) {
    throw new TypeError(
      `Cannot declare storage "${spec.name}": give both scale and offset or none`,
    );
  }
  const args = [bytes, scalar("i32")];
  const hook = (path: string, run: (b: Bytes, i: i32) => number, type: "i32" | "f32") => ({
    path,
    run,
    args,
    results: [type],
  });
  return Object.freeze({
    kind: "storage",
    name: spec.name,
    ...(spec.source === undefined ? {} : { source: spec.source }),
    packing: spec.packing,
    hooks: [
      hook("code", spec.code, "i32"),
      ...(spec.scale ? [hook("scale", spec.scale, "f32")] : []),
      ...(spec.offset ? [hook("offset", spec.offset, "f32")] : []),
    ],
  });
}
