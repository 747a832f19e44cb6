/**
 * Invocations → launches: argument structs and grids. A grid is as many blocks as the step needs, and never
 * more than run at a time, since kernels loop over their items by the number of blocks. An empty grid is
 * no launch.
 */

import { argumentOffsets } from "../../core/signature.ts";
import { writeArguments } from "../argument_struct.ts";
import { failToPrepare } from "../check_invocation.ts";
import { checkStepFields, countGroups } from "../grid.ts";
import type { BufferSlice, DeviceBuffer, Invocation, Program } from "../types.ts";
import { type ArgumentBlock, argumentBlocks } from "./argument_blocks.ts";
import type { CudaKernel, ProductFunctions } from "./kernels.ts";
import type { CudaMemory } from "./memory.ts";
import type { CudaProduct } from "./products.ts";
import { STRIP_BYTES } from "./strip.ts";

/** One launch to be. */
export interface CudaLaunch extends ArgumentBlock {
  readonly kernel: CudaKernel;
  readonly invocation: Invocation;
  /** What a library may do in its place. */
  readonly product?: CudaProduct;
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
  const sizes = invocations.map(({ kernel }) => argumentOffsets(kernel.entry.signature).bytes);
  const blocks = argumentBlocks(sizes, options.addressOf);
  const launches = invocations.map((invocation, i): CudaLaunch => {
    const { kernel } = invocation;
    if (!options.isKernel(kernel)) failToPrepare(invocation, "it was not compiled here");
    checkStepFields(invocation, kernel.grid);
    const block = blocks[i]!;
    writeArguments(block.view, invocation, sources);
    const launch = { ...block, kernel, invocation };
    if (kernel.product === undefined) return launch;
    const [wider] = argumentBlocks([sizes[i]! + STRIP_BYTES], options.addressOf);
    writeArguments(wider!.view, invocation, sources);
    return { ...launch, product: productOf(invocation, kernel.product, wider!, sources.address) };
  });
  return Object.freeze({ invocations: Object.freeze([...invocations]), launches });
}

/** Blocks of a launch for a step; 0: there is nothing to do. */
export function blocksOf({ kernel, invocation }: CudaLaunch, step: ArrayLike<number>): number {
  const items = countGroups(kernel.grid, { constants: invocation.constants, step });
  return Math.min(items, kernel.maxBlocks);
}

/** A product by the vocabulary of its kernel's signature. */
function productOf(
  { buffers, constants }: Invocation,
  functions: ProductFunctions,
  block: ArgumentBlock,
  address: (slice: BufferSlice) => bigint,
): CudaProduct {
  return {
    ...functions,
    block,
    x: address(buffers["x"]!),
    xStride: constants["x_stride"]!,
    nIn: constants["n_in"]!,
    nOut: constants["n_out"]!,
    rowsField: constants["rows_field"]!,
  };
}
