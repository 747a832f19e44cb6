/** The packed order that a kernel's suffix names: `embedding__q8_f16_g32`. */

import { KerfError } from "../core/error.ts";
import { PACKINGS } from "../core/packing.ts";
import type { Packing, PackingName } from "../core/packing.ts";
import type { EmitRequest } from "./types.ts";
import { kernelName } from "./types.ts";

/**
 * The packing of a request with one suffix.
 *
 * @throws {KerfError} the suffixes are not the name of one packed order
 */
export function requestedPacking(request: EmitRequest): Packing {
  const { head, suffixes } = request;
  const packing = PACKINGS[suffixes[0] as PackingName];
  if (packing !== undefined && suffixes.length === 1) return packing;
  throw new KerfError(
    `Cannot emit "${kernelName(request)}": "${suffixes.join("__")}" is no packed order`,
    { hint: `one of ${Object.keys(PACKINGS).map((name) => `${head}__${name}`).join(", ")}` },
  );
}
