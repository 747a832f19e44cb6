/**
 * Invocations → launches: argument structs and grids. A grid is as many blocks as the step needs, and never
 * more than run at a time, since kernels loop over their items by the number of blocks. An empty grid is
 * no launch.
 */

import { argumentOffsets } from "../../core/signature.ts";
import { failToPrepare, writeArguments } from "../argument_struct.ts";
import { checkStepFields, countGroups } from "../grid.ts";
import type { BufferSlice, DeviceBuffer, Invocation, Program } from "../types.ts";
import type { CudaKernel } from "./kernels.ts";
import type { CudaMemory } from "./memory.ts";
import { PACKED_ARGUMENTS_WORDS, packedArguments, stableBytes } from "./structs.ts";

/** One launch to be. */
export interface CudaLaunch {
  readonly kernel: CudaKernel;
  readonly invocation: Invocation;
  /** The list that the driver takes as `extra`, and where it lies. */
  readonly extra: Uint8Array<ArrayBuffer>;
  readonly extraAddress: bigint;
}

/** A prepared program. */
export interface CudaProgram extends Program {
  readonly launches: readonly CudaLaunch[];
}

/** What `prepare` needs of the device. */
export interface PrepareOptions {
  readonly memory: CudaMemory;
  /** Bound to `step` in every kernel that has it. */
  readonly step: BufferSlice;
  readonly isKernel: (kernel: unknown) => kernel is CudaKernel;
  readonly addressOf: (bytes: Uint8Array<ArrayBuffer>) => bigint;
}

/** Checks and packs invocations. @throws {TypeError} naming kernel and label */
export function prepareProgram(
  invocations: readonly Invocation[],
  options: PrepareOptions,
): CudaProgram {
  const { memory, step } = options;
  const sources = {
    step,
    address: (slice: BufferSlice) => memory.address(slice),
    isReadOnly: (buffer: DeviceBuffer) => memory.isReadOnly(buffer),
  };
  // Per invocation: the struct, its size, the list that names both.
  const sizes = invocations.map(({ kernel }) => argumentOffsets(kernel.entry.signature).bytes);
  const rest = 8 * (1 + PACKED_ARGUMENTS_WORDS);
  const bytes = stableBytes(sizes.reduce((sum, size) => sum + size + rest, 0));
  const base = options.addressOf(bytes);
  let at = 0;
  const launches = invocations.map((invocation, i): CudaLaunch => {
    const { kernel } = invocation;
    if (!options.isKernel(kernel)) failToPrepare(invocation, "it was not compiled here");
    checkStepFields(invocation, kernel.grid);
    const size = sizes[i]!;
    writeArguments(new DataView(bytes.buffer, at, size), invocation, sources);
    const words = new BigUint64Array(bytes.buffer, at + size, 1 + PACKED_ARGUMENTS_WORDS);
    const [buffer, sizeAddress] = [base + BigInt(at), base + BigInt(at + size)];
    words.set([BigInt(size), ...packedArguments({ buffer, size: sizeAddress })]);
    const extraAt = at + size + 8;
    at += size + rest;
    return {
      kernel,
      invocation,
      extra: bytes.subarray(extraAt, extraAt + 8 * PACKED_ARGUMENTS_WORDS),
      extraAddress: base + BigInt(extraAt),
    };
  });
  return Object.freeze({ invocations: Object.freeze([...invocations]), launches });
}

/** Blocks of a launch for a step; 0: there is nothing to do. */
export function blocksOf({ kernel, invocation }: CudaLaunch, step: ArrayLike<number>): number {
  const items = countGroups(kernel.grid, { constants: invocation.constants, step });
  return Math.min(items, kernel.maxBlocks);
}
