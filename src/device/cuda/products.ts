/**
 * Matrix products of many rows by cuBLAS, where it is: a strip of the packed weight unpacked to f32, the
 * product, then the kernel's epilogue, in the stream's order. Who multiplies depends on the product's sizes
 * in this step and on nothing else; the generated kernel does all that this leaves.
 */

import { PACK_ROWS } from "../../core/packing.ts";
import type { ArgumentBlock } from "./argument_blocks.ts";
import type { CudaContext } from "./context.ts";
import type { Cublas } from "./cublas.ts";
import { CUBLAS } from "./cublas_symbols.ts";
import { outHandle } from "./driver.ts";
import type { CudaFunction, ProductFunctions } from "./kernels.ts";
import { launchKernel } from "./launch.ts";
import type { CudaMemory } from "./memory.ts";
import { type Release, releaseAll } from "./release.ts";
import { STRIP_BYTES, stripWidth, writeStrip } from "./strip.ts";

/**
 * Rows from which on cuBLAS multiplies. Its way costs a packed weight of b bytes b + 8 bytes of traffic
 * (read, written as f32, read again), the generated kernel b bytes for every eight rows: as much at 72 rows
 * of 8-bit weights, later for 4-bit ones, earlier for plain ones.
 */
export const CUBLAS_ROWS = 64;

/** A strip's weights and sums: a model's widest matrix in a few strips. */
const SCRATCH_BYTES = 64 << 20;

/** cuBLAS' own memory, as its manual recommends for today's GPUs; without it, it allocates by itself. */
const WORKSPACE_BYTES = 32 << 20;

const [ONE, ZERO] = [Float32Array.of(1), Float32Array.of(0)];

/** A product that a program may give to cuBLAS: y = x · Wᵀ with the kernel's epilogue. */
export interface CudaProduct extends ProductFunctions {
  /** The kernel's arguments, then a strip's. */
  readonly block: ArgumentBlock;
  /** Where x lies, f32 [nRows, xStride]. */
  readonly x: bigint;
  readonly xStride: number;
  readonly nIn: number;
  readonly nOut: number;
  /** The field of the step that counts the rows. */
  readonly rowsField: number;
}

/** A handle and the memory that strips go through. */
interface Multiplier {
  readonly handle: bigint;
  readonly scratch: bigint;
}

/** What gives products of one device to cuBLAS. */
export class CudaProducts {
  readonly #context: CudaContext;
  readonly #memory: CudaMemory;
  readonly #cublas: Cublas;
  #multiplier: Multiplier | undefined;

  constructor(context: CudaContext, memory: CudaMemory, cublas: Cublas) {
    this.#context = context;
    this.#memory = memory;
    this.#cublas = cublas;
  }

  /** Gets what products need, the first time. @throws {KerfError} it is not to be had */
  open(): void {
    this.#multiplier ??= this.#open();
  }

  /** Whether cuBLAS does a product at a step: not where a group of weights would not fit its memory. */
  takes({ nIn, rowsField, rowsPerOutput }: CudaProduct, step: ArrayLike<number>): boolean {
    const nRows = step[rowsField]!;
    return nRows >= CUBLAS_ROWS && stripWidth({ nIn, nRows, rowsPerOutput }, SCRATCH_BYTES) > 0;
  }

  /** Puts a product on the stream. */
  enqueue(product: CudaProduct, step: ArrayLike<number>): void {
    const { nIn, nOut, block, rowsField, rowsPerOutput } = product;
    const { handle, scratch: weights } = this.#multiplier!;
    const nRows = step[rowsField]!;
    const width = stripWidth({ nIn, nRows, rowsPerOutput }, SCRATCH_BYTES);
    for (let first = 0; first < nOut; first += width) {
      const n = Math.min(width, nOut - first);
      const nPacked = rowsPerOutput * Math.ceil(n / PACK_ROWS) * PACK_ROWS;
      const sums = weights + BigInt(4 * nPacked * nIn);
      // Of two products the second's last rows lie behind the padding of the first.
      const nSums = rowsPerOutput === 1 ? n : nPacked;
      writeStrip(block.view, block.view.byteLength - STRIP_BYTES, { weights, sums, first, n });
      this.#launch(product.unpack, block);
      // Row-major x · Wᵀ is column-major W · xᵀ, whose W lies transposed.
      this.#cublas.call.cublasSgemm_v2(
        ...[handle, CUBLAS.OP_T, CUBLAS.OP_N, nSums, nRows, nIn] as const,
        ...[ONE, weights, nIn, product.x, product.xStride, ZERO, sums, nSums] as const,
      );
      this.#launch(product.finish, block);
    }
  }

  /** What destroys the handle; its memory is the device's. */
  releases(): Release[] {
    const multiplier = this.#multiplier;
    if (multiplier === undefined) return [];
    return [() => this.#cublas.call.cublasDestroy_v2(multiplier.handle)];
  }

  #launch(entryPoint: CudaFunction, { extra }: ArgumentBlock): void {
    launchKernel(this.#context, entryPoint, { blocks: entryPoint.maxBlocks, extra });
  }

  #open(): Multiplier {
    const { call } = this.#cublas;
    const memory = this.#memory;
    const undo: Release[] = [];
    const allocate = (bytes: number, label: string) => {
      const buffer = memory.allocate(bytes, label);
      undo.unshift(() => memory.free(buffer));
      return memory.address({ buffer });
    };
    try {
      const scratch = allocate(SCRATCH_BYTES, "strips of matrix products");
      const workspace = allocate(WORKSPACE_BYTES, "cuBLAS");
      const handle = outHandle((to) => call.cublasCreate_v2(to));
      undo.unshift(() => call.cublasDestroy_v2(handle));
      // A stream set later would take the workspace away.
      call.cublasSetStream_v2(handle, this.#context.stream);
      call.cublasSetWorkspace_v2(handle, workspace, BigInt(WORKSPACE_BYTES));
      call.cublasSetMathMode(handle, CUBLAS.DEFAULT_MATH);
      return { handle, scratch };
    } catch (error) {
      releaseAll(undo);
      throw error;
    }
  }
}
