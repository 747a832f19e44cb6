/**
 * Bytes from the GPU: a copy into a buffer that can be mapped, encoded behind the work it waits for. The
 * buffers are kept for the next time. Deno looks 10 ms after the work's end whether a buffer is mapped, so
 * a read costs that much more than its work.
 */

/** A copy on its way. */
export interface ReadBack {
  /** Waits for the submission that holds the copy. */
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
}

/** A range of a GPU buffer. */
export interface GpuRange {
  readonly gpu: GPUBuffer;
  readonly offset: number;
  readonly bytes: number;
}

/** Buffers kept: one read at a time is usual, and a large one is rare. */
const KEPT = 4;
const KEPT_BYTES = 16 << 20;

/** Copies to the host. */
export class ReadBacks {
  readonly #gpu: GPUDevice;
  readonly #idle: GPUBuffer[] = [];

  constructor(gpu: GPUDevice) {
    this.#gpu = gpu;
  }

  /** Encodes a copy of a range, at whatever offset it starts. */
  copy(encoder: GPUCommandEncoder, { gpu, offset, bytes }: GpuRange): ReadBack {
    // Copies are of whole words.
    const first = offset - offset % 4;
    const length = Math.ceil((offset + bytes - first) / 4) * 4;
    const target = this.#take(length);
    encoder.copyBufferToBuffer(gpu, first, target, 0, length);
    return {
      bytes: async () => {
        await target.mapAsync(GPUMapMode.READ, 0, length);
        const mapped = new Uint8Array(target.getMappedRange(0, length));
        const out = mapped.slice(offset - first, offset - first + bytes);
        // Before anything destroys it: the mapped range must not outlive the memory below it.
        target.unmap();
        this.#give(target);
        return out;
      },
    };
  }

  free(): void {
    for (const buffer of this.#idle.splice(0)) buffer.destroy();
  }

  #take(bytes: number): GPUBuffer {
    const index = this.#idle.findIndex(({ size }) => size >= bytes);
    if (index >= 0) return this.#idle.splice(index, 1)[0]!;
    return this.#gpu.createBuffer({
      label: "read back",
      size: Math.max(256, 2 ** Math.ceil(Math.log2(bytes))),
      usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
    });
  }

  #give(buffer: GPUBuffer): void {
    if (this.#idle.length < KEPT && buffer.size <= KEPT_BYTES) this.#idle.push(buffer);
    else buffer.destroy();
  }
}
